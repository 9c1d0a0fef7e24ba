/** An API key may be bound to networks: what is no network is refused when the key is made, not when it is used. */
import ipaddr from 'ipaddr.js';

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** What stands before the last 32 bits of an IPv4 address in the form of IPv6. */
const mappedPrefixBits = 96;

/**
 * parseNetwork reads `203.0.113.0/24`, `2001:db8::/32` or a single address; null when it is none of these. An IPv4 network
 * in the form of IPv6, `::ffff:203.0.113.0/120`, is the IPv4 network: callers are compared as IPv4, too.
 */
export function parseNetwork(text: string): Network | null {
  const [host = '', bits, ...more] = text.split('/');
  // isValid alone also takes 127.1, 0x7f000001 and 010.0.0.1 (an eight), which people do not mean.
  if (more.length > 0 || (!ipaddr.IPv4.isValidFourPartDecimal(host) && !ipaddr.IPv6.isValid(host))) return null;
  const address = ipaddr.parse(host);
  const width = address.kind() === 'ipv4' ? 32 : 128;
  if (bits !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(bits)) return null;
  const length = bits === undefined ? width : Number(bits);
  if (length > width || host.includes('%')) return null;
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress())
    return length < mappedPrefixBits ? null : [address.toIPv4Address(), length - mappedPrefixBits];
  return [address, length];
}

/** isAddressAllowed tells whether an address lies in one of the networks; an empty list allows all, an unknown address none. */
export function isAddressAllowed(address: string | undefined, networks: readonly string[]): boolean {
  if (networks.length === 0) return true;
  if (address === undefined || !ipaddr.isValid(address)) return false;
  const caller = ipaddr.process(address); // unwraps ::ffff:a.b.c.d
  return networks.some((text) => {
    const network = parseNetwork(text);
    return network !== null && network[0].kind() === caller.kind() && caller.match(network);
  });
}
