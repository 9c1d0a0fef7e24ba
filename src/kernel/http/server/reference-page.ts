/** The API reference is a page of this server: its script and its document come from here, nothing from elsewhere (K17.1). */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { runInNewContext } from 'node:vm';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { listErrorTables } from '#kernel/errors';
import { answersHead } from './health.ts';
import { makeAsset, sendAsset, type Asset } from './web-app.ts';

/** Markup passes, as Scalar writes it itself; no string becomes a script or the address of one. */
const htmlPolicy = `window.trustedTypes?.createPolicy('default', { createHTML: (html) => html });`;

/**
 * referencePolicy is the strict policy with two exceptions that Scalar cannot do without, on this page alone: inline
 * styles (it makes style elements and attributes) and markup from strings (`htmlPolicy`, whose handlers the nonce still
 * keeps from running). The page holds no data of anybody.
 */
function referencePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    "style-src 'self' 'unsafe-inline'",
    "connect-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default vue',
  ].join('; ');
}

const configuration = {
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: 'never',
  persistAuth: false,
};

/** mountErrorPage adds GET /reference/errors, where the `type` of every problem leads. */
export function mountErrorPage(server: FastifyInstance): void {
  server.get('/reference/errors', answersHead, (_request, reply) => {
    const rows = [...listErrorTables().values()].flatMap((table) => Object.entries(table));
    const items = rows.map(
      ([code, { status, public: meaning }]) =>
        `<dt id="${code}"><code>${code}</code> (${status})</dt><dd>${escapeHtml(meaning)}</dd>`,
    );
    return reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(
        `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Errors</title></head><body><h1>Errors</h1><dl>${items.join('\n')}</dl></body></html>`,
      );
  });
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** mountReference adds GET /reference and its script. The 4 MB script is read when it is first asked for. */
export function mountReference(server: FastifyInstance, documentUrl: string): void {
  server.get('/reference', answersHead, (_request, reply) => sendPage(reply, documentUrl));
  let script: Promise<Asset> | undefined;
  server.get('/reference/scalar.js', answersHead, async (request, reply) => {
    script ??= loadScript();
    return sendAsset(await script, request, reply);
  });
}

function sendPage(reply: FastifyReply, documentUrl: string): FastifyReply {
  const nonce = randomBytes(18).toString('base64');
  const settings = JSON.stringify({ ...configuration, url: documentUrl }).replaceAll('<', '\\u003c');
  return reply
    .header('content-security-policy', referencePolicy(nonce))
    .header('cache-control', 'no-store')
    .header('content-type', 'text/html; charset=utf-8')
    .send(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta property="csp-nonce" content="${nonce}"><title>Bulkhead API reference</title></head><body><div id="app"></div>
<script nonce="${nonce}">${htmlPolicy}</script>
<script nonce="${nonce}" src="/reference/scalar.js"></script>
<script nonce="${nonce}">Scalar.createApiReference('#app', ${settings})</script></body></html>`);
}

/** loadScript takes Scalar's browser bundle out of its package, which holds it as one string literal. */
async function loadScript(): Promise<Asset> {
  const source = await readFile(new URL(import.meta.resolve('@scalar/fastify-api-reference')), 'utf8');
  const literal = /^var standalone_default = (".*");$/m.exec(source)?.[1];
  if (literal === undefined) throw new Error('the package @scalar/fastify-api-reference is not laid out as expected');
  // A literal of JavaScript, not of JSON; evaluated alone, in a context that has nothing.
  return makeAsset(Buffer.from(runInNewContext(literal, {}) as string), '.js');
}
