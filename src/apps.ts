/** The applications of this server: an explicit, typed list; adding one here is all it takes. */
import type { AppDefinition } from '#kernel/app';
import { agents } from './apps/agents/app.ts';

export const apps: readonly AppDefinition[] = [agents];
