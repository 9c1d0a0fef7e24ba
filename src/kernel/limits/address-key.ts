/** One household or host is one caller: IPv6 hands out 2^64 addresses at a time, so those are counted as one. */
import ipaddr from 'ipaddr.js';

/**
 * addressKey is what limits by address count: the IPv4 address (also when mapped into IPv6), or the /64 network of an
 * IPv6 address. What is no address is returned as it is.
 */
export function addressKey(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const network = (parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':');
  return `${network}::/64`;
}
