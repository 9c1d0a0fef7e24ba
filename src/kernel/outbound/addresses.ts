/** Only public unicast addresses, and the private networks somebody listed, count as reachable. */
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;
type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** AddressBook decides about numeric addresses; names are decided by what they resolve to. */
export interface AddressBook {
  /** True for addresses anybody on the internet could reach, and for listed networks. */
  isReachable(address: string): boolean;
  /** True for listed networks alone. */
  isListed(address: string): boolean;
}

const globalUnicastV6: Network = ipaddr.parseCIDR('2000::/3');

function parse(address: string): Address | null {
  if (!ipaddr.isValid(address)) return null;
  return ipaddr.process(address); // unwraps ::ffff:a.b.c.d
}

/**
 * isPublic accepts what IANA lists as globally reachable unicast. IPv6 must lie in 2000::/3, which leaves out
 * IPv4-compatible (::127.0.0.1), NAT64 and translated forms that carry a private IPv4 address inside.
 */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(globalUnicastV6 as never);
}

function toNetwork(cidr: string): Network {
  if (cidr.includes('/')) return ipaddr.parseCIDR(cidr);
  const address = ipaddr.parse(cidr);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** createAddressBook takes networks in CIDR form (a bare address means itself). Throws on malformed ones. */
export function createAddressBook(listedNetworks: readonly string[]): AddressBook {
  const networks = listedNetworks.map(toNetwork);
  function isInListed(address: Address): boolean {
    return networks.some(([base, bits]) => base.kind() === address.kind() && address.match(base as never, bits));
  }
  return {
    isReachable(text) {
      const address = parse(text);
      return address !== null && (isPublic(address) || isInListed(address));
    },
    isListed(text) {
      const address = parse(text);
      return address !== null && isInListed(address);
    },
  };
}
