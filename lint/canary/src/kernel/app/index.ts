export { app } from '../../apps/one/app.ts'; // kernel-knows-no-app
