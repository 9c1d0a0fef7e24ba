export { app } from '../app.ts'; // pages-use-their-contract
