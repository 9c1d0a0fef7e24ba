/** A domain is an organisation's when its TXT record says so; the question is asked with bounded time. */
import { Resolver } from 'node:dns/promises';
import type { Config } from '#kernel/config';

const timeoutMilliseconds = 2_000;

/** findDomainProof tells whether `bulkhead-verify=<token>` stands in a TXT record of the domain. No answer is a no. */
export async function findDomainProof(config: Config, domain: string, token: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: timeoutMilliseconds, tries: 2 });
  if (config.dnsServers.length > 0) resolver.setServers([...config.dnsServers]);
  try {
    const records = await resolver.resolveTxt(domain);
    return records.some((pieces) => pieces.join('').trim() === `bulkhead-verify=${token}`);
  } catch {
    return false; // no such name, no such record, or nobody who could tell: not proved either way
  }
}
