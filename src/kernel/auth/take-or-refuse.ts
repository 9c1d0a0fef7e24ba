/** Tries of passwords and forms are counted as everything else is. */
export { takeOrRefuse } from '#kernel/limits';
