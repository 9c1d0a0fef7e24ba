/** The process's environment, looked at here and nowhere else. */
import type { Environment } from './load-config.ts';

/** currentEnvironment is a copy of the environment variables of this process. */
export function currentEnvironment(): Environment {
  return Object.freeze({ ...process.env });
}
