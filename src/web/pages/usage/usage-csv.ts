/** Usage leaves as CSV that spreadsheets read as figures and never as formulas. */
import type { UsageGroup } from './usage-api.ts';

function toCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** renderCsv has one row per group; cost is in whole units of the currency. */
export function renderCsv(
  label: string,
  rows: readonly UsageGroup[],
  nameOf: (group: UsageGroup) => string,
  currency: string,
): string {
  const head = [label, 'id', 'calls', 'input tokens', 'cached input tokens', 'output tokens', `cost (${currency})`];
  const lines = rows.map((row) => [
    nameOf(row),
    row.key ?? '',
    row.calls,
    row.inputTokens,
    row.cachedInputTokens,
    row.outputTokens,
    row.costMicros / 1_000_000,
  ]);
  return renderRows([head, ...lines]);
}

/** renderRows writes rows of cells, ended as RFC 4180 asks. */
export function renderRows(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('');
}

/** downloadText saves a text as a file. */
export function downloadText(name: string, type: string, text: string): void {
  // The mark tells spreadsheets that this is UTF-8.
  const url = URL.createObjectURL(new Blob([`\uFEFF${text}`], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
