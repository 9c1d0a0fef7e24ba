/** Every socket that leaves the server ends at an address that was checked after resolution, not before. */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { AddressBook } from './addresses.ts';
import { outboundErrors, timeoutError } from './errors.ts';

/** Resolver finds all addresses of a name; the system's by default, scripted in tests. */
export type Resolver = (hostname: string, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void;

export const systemResolver: Resolver = (hostname, callback) => {
  systemLookup(hostname, { all: true, order: 'verbatim' }, callback);
};

const standardPorts = new Set(['', '80', '443']);

/** forbidden names the host, never the address it resolved to: that would make the server a probe of inner DNS. */
function forbidden(hostname: string): Error {
  return outboundErrors.OUTBOUND_ADDRESS_FORBIDDEN({
    internal: `${hostname} resolves to no address that may be reached`,
  });
}

/** createLookup resolves a name and hands on only addresses that may be reached, so that rebinding gains nothing. */
function createLookup(resolve: Resolver, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error) {
        callback(error as NodeJS.ErrnoException, '');
        return;
      }
      const allowed = addresses.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (!first) callback(forbidden(hostname) as NodeJS.ErrnoException, '');
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

export interface GuardedAgentOptions {
  readonly book: AddressBook;
  readonly resolve: Resolver;
  /** False: ports other than 80 and 443 only on listed networks. */
  readonly isAnyPortAllowed: boolean;
  readonly connectTimeoutMilliseconds: number;
}

/**
 * createGuardedAgent makes an undici agent that refuses forbidden addresses thrice: the lookup filters them, literal
 * hosts are checked here (undici never looks those up), and the connected socket's peer is checked once more.
 */
export function createGuardedAgent(options: GuardedAgentOptions): Agent {
  const { book, isAnyPortAllowed, resolve } = options;
  // undici's own timers are coarse (about half a second), so its connect timeout is off and ours runs below.
  const common = { timeout: 0, allowH2: false, autoSelectFamily: true };
  const toReachable = buildConnector({
    ...common,
    lookup: createLookup(resolve, book.isReachable),
  } as buildConnector.BuildOptions);
  const toListed = buildConnector({
    ...common,
    lookup: createLookup(resolve, book.isListed),
  } as buildConnector.BuildOptions);

  const connect: buildConnector.connector = (target, callback) => {
    const isOpenPort = isAnyPortAllowed || standardPorts.has(target.port);
    const isAllowed = isOpenPort ? book.isReachable : book.isListed;
    const connector = isOpenPort ? toReachable : toListed;
    if (!isHostAllowed(target.hostname, isAllowed)) {
      queueMicrotask(() => callback(forbidden(target.hostname), null));
      return;
    }
    // buildConnector hands back the socket although its type does not say so; destroying it ends the attempt.
    const attempt = connector(target, (error, socket) => {
      clearTimeout(timer);
      if (error) {
        callback(error, null);
      } else if (!isAllowed(socket.remoteAddress ?? '')) {
        socket.destroy();
        callback(forbidden(target.hostname), null);
      } else callback(null, socket);
    }) as unknown as Socket;
    const timer = setTimeout(() => attempt.destroy(timeoutError('connect')), options.connectTimeoutMilliseconds);
  };
  return new Agent({ connect, keepAliveTimeout: 30_000, keepAliveMaxTimeout: 120_000, pipelining: 1 });
}

/** isHostAllowed judges literal addresses; a name passes, as its addresses are judged when it is resolved. */
export function isHostAllowed(hostname: string, isAllowed: (address: string) => boolean): boolean {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  const isLiteral = bare.includes(':') || /^[\d.]+$/.test(bare);
  return !isLiteral || isAllowed(bare);
}
