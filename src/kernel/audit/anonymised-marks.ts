/** A record that somebody was taken out of counts as whole only if a record of Bulkhead's in the chain names it. */
import type { Details } from './record-digest.ts';

/** anonymiseAction is the action of the records that say who was taken out where: never who, only of which records. */
export const anonymiseAction = 'audit.record.anonymise';

/** Longer texts would be cut when they are recorded. */
const longestPlaces = 1_900;
const mostTexts = 40;

/** formatPlaces writes ascending places as `3-9 12`, in texts that a record can hold. */
export function formatPlaces(places: readonly number[]): string[] {
  const ranges: [from: number, to: number][] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    if (last && last[1] === place - 1) last[1] = place;
    else ranges.push([place, place]);
  }
  const texts: string[] = [];
  for (const [from, to] of ranges) {
    const range = from === to ? `${from}` : `${from}-${to}`;
    const last = texts.at(-1);
    if (last !== undefined && last.length + range.length < longestPlaces) texts[texts.length - 1] = `${last} ${range}`;
    else texts.push(range);
  }
  return texts;
}

/** Voucher is what one record in the chain says about others: these texts of these places were taken out, then. */
export interface Voucher {
  readonly fields: readonly string[];
  readonly places: readonly string[];
  readonly at: Date;
}

/** splitVoucher makes as many of one as are needed for its places to fit into the details of a record. */
export function splitVoucher(voucher: Voucher): Voucher[] {
  const parts = Math.ceil(voucher.places.length / mostTexts);
  return Array.from({ length: parts }, (_, part) => ({
    ...voucher,
    places: voucher.places.slice(part * mostTexts, (part + 1) * mostTexts),
  }));
}

/** describeVoucher is a voucher as the details of its record. */
export function describeVoucher({ fields, places, at }: Voucher): Details {
  const numbered = places.map((text, index) => [`places${index + 1}`, text] as const);
  return { fields: fields.map(encodeURIComponent).join(' '), at: at.toISOString(), ...Object.fromEntries(numbered) };
}

interface Mark {
  readonly missing: Set<string>;
  readonly at: string | null;
}

/** AnonymisedMarks are the marks met on a walk along a chain that no record has vouched for yet. */
export class AnonymisedMarks {
  readonly #marks = new Map<number, Mark>();

  /** Adds a record with what was taken out of it, and when. */
  add(place: number, fields: readonly string[], at: Date | null): void {
    this.#marks.set(place, { missing: new Set(fields.map(encodeURIComponent)), at: at?.toISOString() ?? null });
  }

  /** Takes off what a record with `anonymiseAction` vouches for; the last to vouch must know the time. */
  vouch(details: Details): void {
    const fields = String(details['fields'] ?? '').split(' ');
    for (let index = 1; typeof details[`places${index}`] === 'string'; index += 1) {
      for (const range of String(details[`places${index}`]).split(' ')) {
        const [from = Number.NaN, to = from] = range.split('-').map(Number);
        this.#vouchForRange({ from, to, fields, at: details['at'] });
      }
    }
  }

  #vouchForRange({ from, to, fields, at }: { from: number; to: number; fields: readonly string[]; at: unknown }): void {
    // A made-up range may be longer than any chain: the shorter of the two is walked.
    const isWide = to - from > this.#marks.size;
    const places = isWide ? this.#marks.keys() : Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
    for (const place of places) {
      const mark = place >= from && place <= to ? this.#marks.get(place) : undefined;
      if (!mark) continue;
      for (const field of fields) mark.missing.delete(field);
      if (mark.missing.size === 0 && mark.at === at) this.#marks.delete(place);
    }
  }

  /** The first place that nobody vouched for, or null. */
  first(): number | null {
    const [first] = this.#marks.keys();
    return first ?? null;
  }
}
