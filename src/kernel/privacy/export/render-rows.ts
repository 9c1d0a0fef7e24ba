/** Rows as JSON and as CSV, streamed; spreadsheets must not take a text for a formula. */
import { stringify } from 'csv-stringify';
import { Readable } from 'node:stream';
import type { Row } from './read-table.ts';

async function* jsonPieces(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  let separator = '[\n';
  for await (const row of rows) {
    yield separator + JSON.stringify(row);
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

/** toJson is one array, a row a line. */
export function toJson(rows: AsyncIterable<Row>): Readable {
  return Readable.from(jsonPieces(rows), { objectMode: false });
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean | bigint);
}

async function* cells(rows: AsyncIterable<Row>): AsyncGenerator<Record<string, string>> {
  for await (const row of rows)
    yield Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cellOf(value)]));
}

/** toCsv has a header, CRLF after RFC 4180, and an apostrophe before what a spreadsheet would calculate (= + - @). */
export function toCsv(rows: AsyncIterable<Row>): Readable {
  const source = Readable.from(cells(rows));
  const sheet = stringify({ header: true, record_delimiter: 'windows', escape_formulas: true, bom: true });
  source.once('error', (error) => sheet.destroy(error));
  return source.pipe(sheet);
}
