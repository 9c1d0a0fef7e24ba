/** What a flag is for an organisation: its exception, else the share of all that it was rolled out to, else the default. */
import { createHash } from 'node:crypto';
import type { FlagDeclaration } from './types.ts';

/** FlagSettings is everything the operator has set. */
export interface FlagSettings {
  /** Flag name -> for how many organisations of a hundred it is on. */
  readonly rollouts: ReadonlyMap<string, number>;
  /** `<tenant id> <flag name>` -> on or off. */
  readonly exceptions: ReadonlyMap<string, boolean>;
}

export type Reason = 'TARGETING_MATCH' | 'SPLIT' | 'STATIC' | 'DEFAULT';

export interface Evaluation {
  readonly isOn: boolean;
  /** As OpenFeature names it. */
  readonly reason: Reason;
}

export const exceptionKey = (tenantId: string, name: string): string => `${tenantId} ${name}`;

/**
 * bucketOf puts an organisation into one of a hundred buckets per flag: the first four bytes of
 * SHA-256(`<flag> <tenant>`) modulo 100. Raising a share keeps those who are in.
 */
export function bucketOf(name: string, tenantId: string): number {
  return createHash('sha256').update(`${name} ${tenantId}`).digest().readUInt32BE(0) % 100;
}

/** evaluate says whether a declared flag is on for an organisation, and why. */
export function evaluate(flag: FlagDeclaration, tenantId: string | undefined, settings: FlagSettings): Evaluation {
  const exception = tenantId === undefined ? undefined : settings.exceptions.get(exceptionKey(tenantId, flag.name));
  if (exception !== undefined) return { isOn: exception, reason: 'TARGETING_MATCH' };
  const percent = settings.rollouts.get(flag.name);
  if (percent === undefined) return { isOn: flag.default, reason: 'DEFAULT' };
  if (percent === 0 || percent === 100) return { isOn: percent === 100, reason: 'STATIC' };
  if (tenantId === undefined) return { isOn: flag.default, reason: 'DEFAULT' };
  return { isOn: bucketOf(flag.name, tenantId) < percent, reason: 'SPLIT' };
}
