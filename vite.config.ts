/** Builds the web app into .build/web: hashed assets, compressed beside themselves, and a nonce placeholder for the server's CSP. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The server replaces this text, per answer, with the nonce in its Content-Security-Policy header. */
const noncePlaceholder = '__CSP_NONCE__';

/** The page at `/agents` is `src/apps/agents/ui/agents-page.tsx`. */
const appPage = /src[\\/]apps[\\/]([^\\/]+)[\\/]ui[\\/]\1-page\.tsx$/;
const signInPage = /src[\\/]web[\\/]pages[\\/](sign-in)-page\.tsx$/;

/**
 * What comes together is one file: the frame changes only with an upgrade of it; `first` is what everybody needs; then the
 * sign-in, the shell with the home page, and the page each application opens with. Each group takes along what its files
 * import, unless a group of more priority has it: what the sign-in shares with the shell alone is named in `first`.
 */
const chunkGroups = [
  { name: 'frame', test: /node_modules[\\/](?:react|react-dom|scheduler|@tanstack)[\\/]/, priority: 5 },
  { name: 'first', test: /src[\\/]web[\\/]main\.tsx$|security-api\.ts$|(?:ActionIcon|Anchor)\.mjs$/, priority: 4 },
  {
    name: 'shell',
    test: /src[\\/]web[\\/](?:shell[\\/]app-shell|pages[\\/]home-page|ui[\\/]data-list)\.tsx$|home-part\.tsx$/,
    priority: 3,
  },
  { name: 'sign-in', test: signInPage, priority: 2 },
  { name: 'dialogs', test: /shell-dialogs\.tsx$/, priority: 0.5 },
  { debugName: 'apps', name: (id: string) => appPage.exec(id)?.[1] ?? null, test: appPage, priority: 1 },
];

/** Pages of people who are not signed in do without the shell. */
const openPaths = '^/(sign-|setup|invitation|forgot-|reset-|verify-|deleted)';

/** Where index.html has the script that `fetchAhead` writes: before the style sheets, which would hold it up. */
const fetchAheadPlace = '<!-- fetch ahead -->';

/**
 * fetchAhead asks who is signed in (`src/web/boot/early-answer.ts` takes what comes) and fetches the files of the page one comes
 * for beside those of the frame instead of after them.
 */
const fetchAhead: Plugin = {
  name: 'fetch-ahead',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (html, { bundle = {} }) => {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
      const inPage = new Set([...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, file]) => file));
      const withImports = (chunk: (typeof chunks)[number], seen = new Set<(typeof chunks)[number]>()) => {
        seen.add(chunk);
        const more = chunks.filter((other) => chunk.imports.includes(other.fileName) && !seen.has(other));
        for (const other of more) withImports(other, seen);
        return seen;
      };
      const filesOf = (chunk: (typeof chunks)[number]) =>
        [...withImports(chunk)]
          .flatMap(({ fileName, viteMetadata }) => [fileName, ...(viteMetadata?.importedCss ?? [])])
          .filter((file) => !inPage.has(file))
          .map((file) => `/${file}`);
      const shell = chunks.find(({ name }) => name === 'shell');
      if (!shell) throw new Error('the build has no chunk of the shell');
      if (!html.includes(fetchAheadPlace)) throw new Error(`index.html has no ${fetchAheadPlace}`);
      const pages = chunks.flatMap((chunk) => {
        const name = chunk.moduleIds.map((id) => (signInPage.exec(id) ?? appPage.exec(id))?.[1]).find(Boolean);
        return name ? [[`/${name}`, filesOf(chunk)] as const] : [];
      });
      const script = `(function () {
        var pages = ${JSON.stringify(Object.fromEntries(pages))};
        var files = pages[location.pathname] || [];
        if (!new RegExp(${JSON.stringify(openPaths)}).test(location.pathname)) {
          files = ${JSON.stringify(filesOf(shell))}.concat(files);
          window.bulkheadEarly = fetch('/api/v1/session', {
            headers: { accept: 'application/json' },
            signal: AbortSignal.timeout(60000),
          });
          window.bulkheadEarly.catch(function () {});
        }
        new Set(files).forEach(function (href) {
          var link = document.createElement('link');
          var isStyle = /\\.css$/.test(href);
          link.rel = isStyle ? 'preload' : 'modulepreload';
          if (isStyle) link.as = 'style';
          link.crossOrigin = '';
          link.nonce = document.currentScript.nonce;
          link.href = href;
          document.head.append(link);
        });
      })();`;
      return html.replace(fetchAheadPlace, () => `<script nonce="${noncePlaceholder}">${script}</script>`);
    },
  },
};

/**
 * compressAssets writes `name.br` beside each script and style sheet. The best of Brotli takes seconds for all of them: too
 * long for the first who asks the server, and a tenth less to fetch for everybody.
 */
const compressAssets: Plugin = {
  name: 'compress-assets',
  apply: 'build',
  writeBundle: async ({ dir = '' }) => {
    const assets = readdirSync(join(dir, 'assets')).filter((name) => /\.(?:js|css)$/.test(name));
    const compress = async (name: string) => {
      const file = join(dir, 'assets', name);
      writeFileSync(`${file}.br`, await promisify(brotliCompress)(readFileSync(file)));
    };
    await Promise.all(assets.map(compress));
  },
};

export default defineConfig({
  root: join(import.meta.dirname, 'src/web'),
  cacheDir: join(import.meta.dirname, '.build/vite'),
  plugins: [react(), fetchAhead, compressAssets],
  html: { cspNonce: noncePlaceholder },
  server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
  build: {
    outDir: join(import.meta.dirname, '.build/web'),
    emptyOutDir: true,
    manifest: true,
    target: 'es2023',
    assetsInlineLimit: 0, // data: URLs would need holes in the CSP
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // A connection of HTTP/1.1 carries one file at a time: some larger files come sooner than many small ones.
    rolldownOptions: { output: { codeSplitting: { groups: chunkGroups } } },
  },
});
