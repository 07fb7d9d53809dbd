// Builds the pages into dist/, each text file also compressed, so that the server compresses nothing while it serves.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Files smaller than this are sent as they are. */
const WORTH_COMPRESSING = 1024;

function gzip(): Plugin {
  return {
    name: 'gzip',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          if (!/\.(js|css|json|svg|html)$/.test(name)) continue;
          const bytes = Buffer.from(file.type === 'chunk' ? file.code : file.source);
          if (bytes.length < WORTH_COMPRESSING) continue;
          this.emitFile({ type: 'asset', fileName: `${name}.gz`, source: gzipSync(bytes, { level: 9 }) });
        }
      },
    },
  };
}

export default defineConfig({
  plugins: [svelte(), gzip()],
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 700, modulePreload: { polyfill: false } },
  server: { proxy: { '/v1': { target: 'http://127.0.0.1:8080', ws: true }, '/metrics': 'http://127.0.0.1:8080' } },
});
