/**
 * A workflow's body runs again after a crash and must take the same way: clock and chance are read inside steps only,
 * whose results are recorded. The check sees what stands in the workflow's file, not what it calls.
 */
import { dottedName, isInCallback, isTestCode, onImport, repositoryPath, type Node, type Rule } from './rule.ts';

const changing =
  /^((globalThis\.)?(Date\.now|Math\.random|performance\.now|crypto\.(randomUUID|getRandomValues|randomBytes|randomInt))|newId|randomUUID|randomBytes|randomInt|setTimeout|setInterval)$/;
const message = 'Read clock and chance inside a step: after a crash the body runs again and must take the same way.';

export const deterministicWorkflows: Rule = {
  create(context) {
    const path = repositoryPath(context);
    if (!/^src\/.*\/workflows\//.test(path) || isTestCode(path)) return {};
    const check = (node: Node): void => {
      if (!isInCallback(node, (name) => name === 'step' || name === 'runStep')) context.report({ node, message });
    };
    return {
      CallExpression(node) {
        if (changing.test(dottedName(node['callee']))) check(node);
      },
      NewExpression(node) {
        const hasArguments = (node['arguments'] as readonly unknown[]).length > 0;
        if (dottedName(node['callee']) === 'Date' && !hasArguments) check(node);
      },
      ...onImport((module, node) => {
        if (/^(node:)?timers(\/promises)?$/.test(module)) context.report({ node, message });
      }),
    };
  },
};
