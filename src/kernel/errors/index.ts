/** The door of the error module: how a module declares its errors, and the one class that carries them. */
export { AppError, defineErrors, isAppError, kernelErrors, listErrorTables, toProblem } from './app-error.ts';
export type { AppErrorOptions, ErrorDefinition, ErrorTable, Problem, ProblemIssue } from './app-error.ts';
