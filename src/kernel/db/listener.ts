/** One connection listens for every channel of the process and comes back by itself after a break. */
import type pg from 'pg';
import type { Logger } from '#kernel/log';
import { connectOnce } from './pools.ts';

const longestPauseMilliseconds = 5_000;
const channelName = /^[a-z][a-z0-9_]{0,62}$/;

export interface Listener {
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => void>;
  close(): Promise<void>;
}

/** createListener connects on first use. What is notified while the connection is down is lost: use it to wake, not to carry. */
export function createListener(url: string, sessionName: string, log: Logger): Listener {
  const handlers = new Map<string, Set<(payload: string) => void>>();
  let connecting: Promise<pg.Client> | undefined;
  let isClosed = false;
  let lastStatement: Promise<unknown> = Promise.resolve();

  /** A connection does one thing at a time; several modules begin to listen at the same moment. */
  function run(client: pg.Client, text: string): Promise<unknown> {
    const statement = lastStatement.then(() => client.query(text));
    lastStatement = statement.catch(() => undefined);
    return statement;
  }

  function deliver(message: pg.Notification): void {
    for (const handler of handlers.get(message.channel) ?? []) {
      try {
        handler(message.payload ?? '');
      } catch (error) {
        log.error({ err: error, channel: message.channel }, 'a notification handler failed');
      }
    }
  }

  async function connect(): Promise<pg.Client> {
    const client = await connectOnce(url, sessionName);
    client.on('notification', deliver);
    client.on('end', () => {
      connecting = undefined;
      if (!isClosed && handlers.size > 0) void reconnect();
    });
    for (const channel of handlers.keys()) await run(client, `listen ${channel}`);
    return client;
  }

  async function reconnect(): Promise<void> {
    for (let pause = 50; !isClosed && !connecting; pause = Math.min(pause * 2, longestPauseMilliseconds)) {
      await new Promise((resolve) => setTimeout(resolve, pause).unref());
      try {
        await obtain();
      } catch (error) {
        log.warn({ err: error }, 'the listening connection is still down');
      }
    }
  }

  function obtain(): Promise<pg.Client> {
    if (isClosed) return Promise.reject(new Error('the database is closed'));
    connecting ??= connect().catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  }

  return {
    async listen(channel, onNotify) {
      if (!channelName.test(channel)) throw new TypeError(`${channel} cannot be a channel`);
      const client = await obtain();
      const set = handlers.get(channel) ?? new Set();
      handlers.set(channel, set.add(onNotify));
      if (set.size === 1) await run(client, `listen ${channel}`);
      return () => {
        set.delete(onNotify);
        if (set.size > 0 || handlers.get(channel) !== set) return;
        handlers.delete(channel);
        connecting?.then((current) => run(current, `unlisten ${channel}`)).catch(() => undefined);
      };
    },
    async close() {
      isClosed = true;
      const client = await connecting?.catch(() => undefined);
      await client?.end();
    },
  };
}
