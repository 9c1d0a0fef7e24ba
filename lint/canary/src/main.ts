import { test } from 'vitest'; // server-needs-no-dev-package
import { missing } from './missing.ts'; // resolvable
import { server } from './testing/server.ts'; // testing-is-for-tests

export const main = [test, missing, server];
