/**
 * Asks a range service whether a password is in a known breach, telling it the first five digits of a SHA-1 and no more
 * (k-anonymity, as https://haveibeenpwned.com/API/v3#PwnedPasswords describes). A service that is slow or down never
 * keeps anybody from signing up: the list on disk has been asked before.
 */
import { createHash } from 'node:crypto';
import type { Services } from '#kernel/app';

const patienceMilliseconds = 1_500;
const maxResponseBytes = 512 * 1024;

/** isBreached is false when there is no service, and when it does not answer in a second and a half. */
export async function isBreached(
  { config, outbound, log }: Pick<Services, 'config' | 'outbound' | 'log'>,
  password: string,
): Promise<boolean> {
  if (!config.breachRangeUrl) return false;
  const digest = createHash('sha1').update(password.normalize('NFKC')).digest('hex').toUpperCase();
  const [prefix, suffix] = [digest.slice(0, 5), digest.slice(5)];
  try {
    const response = await outbound.fetch(`${config.breachRangeUrl.replace(/\/*$/, '/')}${prefix}`, {
      purpose: 'web',
      headers: { 'add-padding': 'true', 'user-agent': 'Bulkhead' }, // padded answers do not tell by their length
      connectTimeoutMilliseconds: patienceMilliseconds,
      totalTimeoutMilliseconds: patienceMilliseconds,
      maxResponseBytes,
    });
    if (response.status !== 200) {
      response.discard();
      throw new Error(`the range service answered ${response.status}`);
    }
    return hasSuffix(await response.text(), suffix);
  } catch (error) {
    log.warn({ err: error }, 'the breach check was not possible; the list on disk stands alone');
    return false;
  }
}

/** hasSuffix reads lines of `<35 hex digits>:<count>`; padding has the count 0. */
function hasSuffix(text: string, suffix: string): boolean {
  return text.split('\n').some((line) => {
    const [found, count] = line.trim().split(':');
    return found === suffix && Number(count) > 0;
  });
}
