/** How figures and times are written for people, in their own locale. */

const sizeUnits = ['B', 'kB', 'MB', 'GB'];

/** formatBytes writes a size such as `1.4 MB` (powers of 1000). */
export function formatBytes(bytes: number): string {
  const power = Math.min(sizeUnits.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 })} ${sizeUnits[power]}`;
}

/** formatLimit writes a limit as its setting does, in whole MB (of 1,048,576 bytes) or GB: `50 MB`, `4 GB`. */
export function formatLimit(bytes: number): string {
  const gigabytes = bytes / 1_073_741_824;
  if (gigabytes >= 1 && Number.isInteger(gigabytes)) return `${gigabytes} GB`;
  return `${Math.floor(bytes / 1_048_576)} MB`;
}

/** Made when it is first needed: it takes a phone tens of milliseconds. */
let relative: Intl.RelativeTimeFormat | undefined;
const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** formatAgo writes `3 hours ago`, `yesterday`, and the date once it is more than a week back. `iso` is ISO 8601. */
export function formatAgo(iso: string, now: number = Date.now()): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  if (Math.abs(seconds) > 7 * 86_400) return new Date(iso).toLocaleDateString(undefined, { dateStyle: 'medium' });
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) < size) continue;
    relative ??= new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
    return relative.format(Math.round(seconds / size), unit);
  }
  return 'just now';
}

/** formatTime writes date, time and zone, such as `21 Nov 2026, 07:21 CET`: whoever reads it may be elsewhere tomorrow. */
export function formatTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  });
}

/** formatShortDay writes `3 Nov`. `day` is YYYY-MM-DD, UTC. */
export function formatShortDay(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(undefined, {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  });
}
