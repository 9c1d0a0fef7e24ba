/** Only kernel/db may open connections to the database, so that no query escapes row-level security. */
import { isTestCode, onImport, repositoryPath, type Rule } from './rule.ts';

const drivers = /^(pg|pg-pool|postgres|drizzle-orm\/(node-postgres|postgres-js|pg-proxy))(\/.*)?$/;

/** The job engine has a pool of its own: it listens on one connection for as long as it lives. */
const allowed = /^src\/kernel\/(db|jobs)\//;

export const noPoolOutsideDb: Rule = {
  create(context) {
    const path = repositoryPath(context);
    if (allowed.test(path) || isTestCode(path)) return {};
    return onImport((module, node) => {
      if (!drivers.test(module)) return;
      context.report({
        node,
        message: `${module} opens database connections: use withTenant or withSystem of #kernel/db.`,
      });
    });
  },
};
