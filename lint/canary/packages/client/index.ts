export { main } from '../../src/main.ts'; // packages-stand-alone
