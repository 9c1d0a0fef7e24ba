export * from '../http/index.ts'; // kernel-level-3
