/** The door of the application layer. */
export { defineApp } from './define-app.ts';
export type { AppDefinition, Services } from './types.ts';
