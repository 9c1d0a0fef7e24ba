/** A TCP proxy between a server and its partner, so that a test can take the partner away and bring it back. */
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** TcpProxy listens on 127.0.0.1; its port stays the same over cuts. */
export class TcpProxy implements AsyncDisposable {
  readonly #target: NetConnectOpts;
  readonly #open = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #onSent: ((bytes: Buffer, near: Socket, far: Socket) => void) | undefined;

  constructor(target: NetConnectOpts) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; after a cut, again. */
  async restore(): Promise<this> {
    const server = createServer((near) => this.#join(near)).listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    this.#server = server;
    return this;
  }

  /** Breaks every connection and refuses new ones, as a machine that lost its power would. */
  async cut(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const near of this.#open) near.resetAndDestroy();
    await closed;
  }

  /** Lets nothing more of a connection through once `text` was sent on it; resolves then, so that a test may cut in that very place. */
  holdAt(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onSent = (bytes, near, far) => {
        if (!bytes.includes(text)) return;
        this.#onSent = undefined;
        near.unpipe(far);
        resolve();
      };
    });
  }

  #join(near: Socket): void {
    const far = connect(this.#target);
    this.#open.add(near);
    near.on('data', (bytes: Buffer) => this.#onSent?.(bytes, near, far));
    for (const socket of [near, far]) {
      socket.on('error', () => undefined); // a broken connection is what this is for
      socket.on('close', () => {
        this.#open.delete(near);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cut();
  }
}
