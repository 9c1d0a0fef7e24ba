/** Only kernel/config reads the environment, so that every setting is declared, typed, documented and checked at start. */
import { dottedName, isTestCode, onImport, repositoryPath, type Rule } from './rule.ts';

const message = 'Declare a setting in src/kernel/config/settings.ts and read it from the configuration.';

export const noProcessEnv: Rule = {
  create(context) {
    const path = repositoryPath(context);
    if (path.startsWith('src/kernel/config/') || isTestCode(path)) return {};
    return {
      MemberExpression(node) {
        if (/^(globalThis\.)?process\.env$/.test(dottedName(node))) context.report({ node, message });
      },
      VariableDeclarator(node) {
        const pattern = node['id'] as { type: string; properties?: readonly { key?: unknown }[] };
        const takesEnv =
          pattern.type === 'ObjectPattern' && pattern.properties?.some(({ key }) => dottedName(key) === 'env');
        if (takesEnv && dottedName(node['init']) === 'process') context.report({ node, message });
      },
      ...onImport((module, node) => {
        const specifiers = (node['specifiers'] ?? []) as readonly { imported?: unknown }[];
        const takesEnv = specifiers.some(({ imported }) => dottedName(imported) === 'env');
        if (/^(node:)?process$/.test(module) && takesEnv) context.report({ node, message });
      }),
    };
  },
};
