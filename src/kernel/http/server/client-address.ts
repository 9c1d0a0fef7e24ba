/** The caller's address is always an address: what a forwarding header holds besides is never counted, logged or kept (K4.4). */
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const withPort = /^(?:\[([^\]]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5})$/;
const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** readAddress takes the port off that some proxies write, and the IPv6 clothes off IPv4; null for what is no address. */
function readAddress(text: string): string | null {
  const [, v6, v4] = withPort.exec(text) ?? [];
  const bare = v6 ?? v4 ?? text;
  if (isIP(bare) === 0) return null;
  return mapped.exec(bare)?.[1] ?? bare;
}

/**
 * clientAddressOf is the last address that no trusted proxy vouches for. A hop that is none, such as `unknown`, ends the
 * search: then it is the proxy that passed it on.
 */
export function clientAddressOf(request: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  const direct = readAddress(request.ip);
  if (direct !== null) return direct;
  for (const hop of request.ips?.toReversed() ?? []) {
    const address = readAddress(hop);
    if (address !== null) return address;
  }
  return request.ip;
}
