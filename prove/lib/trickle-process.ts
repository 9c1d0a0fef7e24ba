/**
 * Slow clients in a process of their own: `--sockets` connections that each send a beginning and then a byte every
 * 200 ms, half of them in their headers and half in a body; whichever is cut off comes back at once.
 */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string' }, sockets: { type: 'string' }, cookie: { type: 'string' } },
});
const port = Number(values.port);
const sockets = Number(values.sockets);
const byteEvery = 200;

const inHeaders = 'GET /api/v1/agents HTTP/1.1\r\nhost: slow\r\nx-slow: ';
const inBody = [
  'POST /api/v1/agents HTTP/1.1',
  'host: slow',
  'sec-fetch-site: same-origin',
  `cookie: ${values.cookie}`,
  'content-type: application/json',
  'content-length: 100000',
  '',
  '{"name":"',
].join('\r\n');

const open = new Set<ReturnType<typeof connect>>();
let cut = 0;

function trickle(beginning: string): void {
  const socket = connect(port, '127.0.0.1', () => {
    open.add(socket);
    socket.write(beginning);
  });
  socket.on('error', () => undefined).resume();
  socket.once('close', () => {
    open.delete(socket);
    cut += 1;
    setTimeout(() => trickle(beginning), 50);
  });
}

for (let index = 0; index < sockets; index += 1) setTimeout(() => trickle(index % 2 ? inHeaders : inBody), index * 2);
// The bytes of all sockets are spread over the time between two of them.
let turn = 0;
setInterval(() => {
  turn = (turn + 1) % 10;
  let index = 0;
  for (const socket of open) if (index++ % 10 === turn && socket.writable) socket.write('a');
}, byteEvery / 10);
setInterval(() => process.stdout.write(`${JSON.stringify({ open: open.size, cut })}\n`), 250);
