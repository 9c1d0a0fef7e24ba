export * from '../db/index.ts'; // kernel-level-0
