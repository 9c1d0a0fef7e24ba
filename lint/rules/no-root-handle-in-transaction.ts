/**
 * Inside a transaction only its own handle is used: a second transaction would see other data, wait for the first one's
 * locks and, with a small pool, for its connection. The check sees nesting within one function; at run time kernel/db
 * refuses the rest.
 */
import { dottedName, isInCallback, isTestCode, repositoryPath, type Rule, type Visitors } from './rule.ts';

const opening = /^(withTenant|withSystem|withAuth|tenant)$/;

export const noRootHandleInTransaction: Rule = {
  create(context): Visitors {
    const path = repositoryPath(context);
    if (isTestCode(path)) return {};
    return {
      CallExpression(node) {
        const name = dottedName(node['callee']);
        if (!name.includes('.') || !opening.test(name.split('.').at(-1) ?? '')) return;
        if (isInCallback(node, (outer) => opening.test(outer))) {
          context.report({
            node,
            message: 'This opens a second transaction inside the first: use the `tx` you were given.',
          });
        }
      },
    };
  },
};
