/** How figures and times are written for people, in their own locale. */

const sizeUnits = ['B', 'kB', 'MB', 'GB'];

/** formatBytes writes a size such as `1.4 MB` (powers of 1000). */
export function formatBytes(bytes: number): string {
  const power = Math.min(sizeUnits.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 })} ${sizeUnits[power]}`;
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
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
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return 'just now';
}

/** formatTime writes date and time in full, for tooltips. */
export function formatTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
