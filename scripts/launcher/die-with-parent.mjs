/** Preloaded into every program the launcher starts: when the launcher is killed, the program ends itself gracefully. */
import { watchParent } from './watch-parent.mjs';

watchParent(() => process.kill(process.pid, 'SIGTERM'));
