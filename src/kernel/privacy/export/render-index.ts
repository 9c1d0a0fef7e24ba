/** The first page of an archive leads people to what is inside; it opens in any browser, offline, and runs nothing. */
import { createHash } from 'node:crypto';

/** IndexedTable is a table of the archive; its path lacks `.json` and `.csv`. */
export interface IndexedTable {
  readonly title: string;
  readonly path: string;
  readonly rows: number;
}

export interface IndexedFile {
  readonly filename: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface ArchiveIndex {
  readonly createdAt: Date;
  /** Folders with their heading, in the order of the page. */
  readonly folders: readonly { readonly heading: string; readonly tables: readonly IndexedTable[] }[];
  readonly files: readonly IndexedFile[];
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (letter) => escapes[letter] ?? letter);

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%}td,th{text-align:start;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}
td.number,th.number{text-align:end}td{overflow-wrap:anywhere}`;
/** Nothing but this style: whatever a name holds, it cannot load or run anything. */
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`;

function* renderFolder({ heading, tables }: ArchiveIndex['folders'][number]): Generator<string> {
  const filled = tables.filter(({ rows }) => rows > 0);
  yield `<h2>${escapeHtml(heading)}</h2>\n`;
  if (filled.length === 0) yield '<p>Nothing.</p>\n';
  else {
    yield '<table><tr><th>What</th><th class="number">Entries</th><th>For spreadsheets</th><th>For programs</th></tr>\n';
    for (const { title, path, rows } of filled) {
      const links = ['csv', 'json'].map(
        (kind) => `<td><a href="${escapeHtml(path)}.${kind}">${kind.toUpperCase()}</a></td>`,
      );
      yield `<tr><td>${escapeHtml(title)}</td><td class="number">${rows}</td>${links.join('')}</tr>\n`;
    }
    yield '</table>\n';
  }
  const empty = tables.filter(({ rows }) => rows === 0).map(({ title }) => escapeHtml(title));
  if (empty.length > 0) yield `<p>Empty: ${empty.join(', ')}</p>\n`;
}

function* renderFiles(files: readonly IndexedFile[]): Generator<string> {
  yield '<h2>Files and pictures</h2>\n';
  if (files.length === 0) return yield '<p>None.</p>\n';
  yield '<table><tr><th>Name</th><th class="number">Bytes</th></tr>\n';
  for (const { filename, path, sizeBytes } of files) {
    const href = escapeHtml(path.split('/').map(encodeURIComponent).join('/'));
    yield `<tr><td><a href="${href}">${escapeHtml(filename)}</a></td><td class="number">${sizeBytes}</td></tr>\n`;
  }
  yield '</table>\n';
}

/** renderIndex writes the page piece by piece: an archive may hold a hundred thousand files. */
export function* renderIndex({ createdAt, folders, files }: ArchiveIndex): Generator<string> {
  yield `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${policy}"><title>Your data</title><style>${style}</style></head><body>
<h1>Your data</h1>
<p>Everything this server had of yours on ${createdAt.toISOString().slice(0, 16).replace('T', ' at ')} UTC. Unpack the archive first, so that the links work.
To bring it back, here or on another server, upload the ZIP file as it is.</p>\n`;
  for (const folder of folders) yield* renderFolder(folder);
  yield* renderFiles(files);
  yield '</body></html>\n';
}
