import { pools } from '../../kernel/db/pools.ts'; // kernel-door
import { shell } from '../../web/main.ts'; // apps-use-the-kernel-only
import { secret } from '../two/secret.ts'; // apps-know-no-other-app

export const app = [pools, shell, secret];
