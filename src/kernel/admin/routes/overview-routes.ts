/** The overview of who runs the server: is it well, and what is going on. */
import { readFileSync } from 'node:fs';
import { defineRoute, type Limit, type Route } from '#kernel/http';
import { readActivity, readPopulation } from '../activity.ts';
import { adminContract } from '../contract.ts';
import { checkHealth } from '../health-checks.ts';

const readLimit: Limit = { name: 'admin.overview', max: 120, windowSeconds: 60, by: 'user' };

const packageFile = new URL('../../../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string };

const readOverview = defineRoute(adminContract, 'GET /admin/overview', {
  id: 'admin.overview.read',
  access: 'operator',
  limit: readLimit,
  async handler({ services }) {
    const { config, db } = services;
    const [checks, population, days, erasuresDue] = await Promise.all([
      checkHealth(services),
      readPopulation(db),
      readActivity(db),
      db.withSystem('deletions that wait', (tx) =>
        tx.query<{ count: number }>({ text: 'select count(*)::int as count from kernel.erasures' }),
      ),
    ]);
    return {
      version,
      checks,
      currency: config.currency,
      people: population.people,
      disabledPeople: population.disabled,
      organisations: population.organisations,
      activeToday: population.active,
      erasuresDue: erasuresDue[0]?.count ?? 0,
      days,
    };
  },
});

export const overviewRoutes: readonly Route[] = [readOverview];
