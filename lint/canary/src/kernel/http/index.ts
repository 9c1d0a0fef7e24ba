export { pools } from '../db/pools.ts'; // kernel-door-inside
