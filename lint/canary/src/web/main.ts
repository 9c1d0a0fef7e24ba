import { pools } from '../kernel/db/index.ts'; // web-uses-contracts

export const shell = [pools];
