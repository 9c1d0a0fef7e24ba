import { second } from './second.ts'; // no-cycles

export const first = () => second;
