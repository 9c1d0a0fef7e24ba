export * from '../auth/index.ts'; // kernel-level-1
