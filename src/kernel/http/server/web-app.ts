/** Serves the built web app: a fixed table of files read at start, so no request can name any other; one page, a nonce per answer. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pagePolicy } from './security-headers.ts';

const placeholder = '__CSP_NONCE__';
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};
const compressible = new Set(['.css', '.js', '.json', '.map', '.svg', '.txt', '.webmanifest']);
const smallestWorthCompressing = 1024;

type Encoding = 'br' | 'gzip' | 'identity';

/** Asset is something fixed that is served to everybody: its bytes, and what they are known and compressed by. */
export interface Asset {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
  readonly isImmutable: boolean;
  readonly isCompressible: boolean;
  /** Compressed by the build, as well as it goes, or once on first demand. */
  readonly encoded: Map<Encoding, Promise<Buffer>>;
}

const compress: Readonly<Record<Exclude<Encoding, 'identity'>, (bytes: Buffer) => Promise<Buffer>>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 }),
};

const missingPage = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bulkhead</title></head><body>
<h1>The web app is not built</h1><p>Stop the server and start it with <code>npm start</code>, which builds it.</p></body></html>`;

/** mountWebApp answers page requests from `folder` (Vite's output). Without a build it answers a page that says what to do. */
export function mountWebApp(
  server: FastifyInstance,
  folder: string,
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const assets = loadAssets(folder);
  const page = assets.get('/index.html')?.bytes.toString('utf8').split(placeholder);
  assets.delete('/index.html');
  for (const [path, asset] of assets) {
    server.route({ method: ['GET', 'HEAD'], url: path, handler: (request, reply) => sendAsset(asset, request, reply) });
  }
  return (_request, reply) => sendPage(page, reply);
}

/** isPageRequest tells whether a browser is asking for a page: then the app's router decides what to show. */
export function isPageRequest(request: FastifyRequest): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const path = request.url.split('?', 1)[0] ?? '';
  if (path.startsWith('/api/') || path.startsWith('/assets/')) return false;
  return request.headers.accept?.includes('text/html') ?? false;
}

function loadAssets(folder: string): Map<string, Asset> {
  const assets = new Map<string, Asset>();
  if (!existsSync(folder)) return assets;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.parentPath.includes(`${sep}.vite`) || entry.name.endsWith('.br')) continue;
    const file = join(entry.parentPath, entry.name);
    const path = `/${relative(folder, file).split(sep).join('/')}`;
    assets.set(path, readAsset(file, path));
  }
  return assets;
}

function readAsset(file: string, path: string): Asset {
  return {
    ...makeAsset(readFileSync(file), extname(file)),
    // Vite puts a hash of the content into every name below assets/.
    isImmutable: path.startsWith('/assets/'),
    encoded: existsSync(`${file}.br`) ? new Map([['br', Promise.resolve(readFileSync(`${file}.br`))]]) : new Map(),
  };
}

/** makeAsset is an asset that its reader asks about anew each time; `extension` says what it is, such as `.json`. */
export function makeAsset(bytes: Buffer, extension: string): Asset {
  return {
    bytes,
    type: types[extension] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    isImmutable: false,
    isCompressible: compressible.has(extension) && bytes.length >= smallestWorthCompressing,
    encoded: new Map(),
  };
}

/** sendAsset answers with the bytes, compressed where the reader takes that, or with 304 when it has them already. */
export async function sendAsset(asset: Asset, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const encoding = asset.isCompressible ? chooseEncoding(request.headers['accept-encoding']) : 'identity';
  // The etag names the bytes sent, so each encoding has its own.
  const etag = encoding === 'identity' ? asset.etag : asset.etag.replace(/"$/, `-${encoding}"`);
  reply.header('etag', etag);
  reply.header('cache-control', asset.isImmutable ? 'public, max-age=31536000, immutable' : 'public, no-cache');
  if (asset.isCompressible) reply.header('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  reply.header('content-type', asset.type);
  if (encoding === 'identity') return reply.send(asset.bytes);
  return reply.header('content-encoding', encoding).send(await encode(asset, encoding));
}

function chooseEncoding(accepted = ''): Encoding {
  const wanted = accepted.split(',').filter((part) => !/;\s*q=0(?:\.0*)?\s*$/.test(part));
  const names = new Set(wanted.map((part) => part.split(';')[0]?.trim()));
  if (names.has('br')) return 'br';
  return names.has('gzip') ? 'gzip' : 'identity';
}

function encode(asset: Asset, encoding: Exclude<Encoding, 'identity'>): Promise<Buffer> {
  let encoded = asset.encoded.get(encoding);
  if (!encoded) {
    encoded = compress[encoding](asset.bytes);
    asset.encoded.set(encoding, encoded);
  }
  return encoded;
}

function sendPage(page: readonly string[] | undefined, reply: FastifyReply): FastifyReply {
  reply.header('content-type', 'text/html; charset=utf-8').header('cache-control', 'no-store');
  if (!page) return reply.code(503).send(missingPage);
  const nonce = randomBytes(18).toString('base64');
  return reply.header('content-security-policy', pagePolicy(nonce)).send(page.join(nonce));
}
