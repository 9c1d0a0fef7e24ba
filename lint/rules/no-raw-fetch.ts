/** Only kernel/outbound speaks to other machines, so that no request escapes the guard against private addresses. */
import { dottedName, isBrowserCode, isTestCode, onImport, repositoryPath, type Node, type Rule } from './rule.ts';

const clients = /^(undici|axios|got|node-fetch|ky)(\/.*)?$/;
const message = 'Use the guarded client of #kernel/outbound.';

/** opensConnection: node:http is also the server's module; only its client functions are refused. */
function opensConnection(module: string, node: Node): boolean {
  if (clients.test(module)) return true;
  if (!/^(node:)?https?$/.test(module)) return false;
  const specifiers = (node['specifiers'] ?? []) as readonly { imported?: unknown }[];
  return specifiers.some(({ imported }) => /^(get|request|Agent)$/.test(dottedName(imported)));
}

export const noRawFetch: Rule = {
  create(context) {
    const path = repositoryPath(context);
    if (path.startsWith('src/kernel/outbound/') || isTestCode(path) || isBrowserCode(path)) return {};
    return {
      CallExpression(node) {
        if (/^((globalThis|window|self)\.)?fetch$|^https?\.(get|request)$/.test(dottedName(node['callee']))) {
          context.report({ node, message });
        }
      },
      ...onImport((module, node) => {
        if (opensConnection(module, node)) context.report({ node, message });
      }),
    };
  },
};
