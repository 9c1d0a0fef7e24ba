export * from '../jobs/index.ts'; // kernel-level-2
