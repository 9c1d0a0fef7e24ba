/** A name server on loopback that knows the TXT records a test gives it, and no other name. */
import { createSocket } from 'node:dgram';

export interface DnsServer extends AsyncDisposable {
  /** For DNS_SERVERS. */
  readonly address: string;
  readonly txt: Map<string, string[]>;
}

/** readName reads the question's name; labels are never compressed there. */
function readName(message: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('ascii', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 };
}

function record(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.from([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60, 0, bytes.length + 1, bytes.length]);
  return Buffer.concat([head, bytes]);
}

/** startDnsServer listens on a free UDP port. */
export async function startDnsServer(): Promise<DnsServer> {
  const txt = new Map<string, string[]>();
  const socket = createSocket('udp4');
  socket.on('message', (message, peer) => {
    const { name, end } = readName(message);
    const answers = txt.get(name) ?? [];
    const flags = answers.length > 0 ? 0x8180 : 0x8183; // 3: no such name
    const head = Buffer.alloc(12);
    message.copy(head, 0, 0, 2);
    head.writeUInt16BE(flags, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([head, message.subarray(12, end), ...answers.map(record)]), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${socket.address().port}`,
    txt,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        socket.close(resolve);
      }),
  };
}
