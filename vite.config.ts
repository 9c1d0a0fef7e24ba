/** Builds the web app into .build/web: hashed assets and a nonce placeholder for the server's CSP. The server compresses. */
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: join(import.meta.dirname, 'src/web'),
  cacheDir: join(import.meta.dirname, '.build/vite'),
  plugins: [react()],
  // The server replaces this text, per answer, with the nonce in its Content-Security-Policy header.
  html: { cspNonce: '__CSP_NONCE__' },
  server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
  build: {
    outDir: join(import.meta.dirname, '.build/web'),
    emptyOutDir: true,
    manifest: true,
    target: 'es2023',
    assetsInlineLimit: 0, // data: URLs would need holes in the CSP
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
