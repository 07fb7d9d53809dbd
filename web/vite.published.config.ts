// Builds dist/published.html: one file that draws a dashboard from rows that the server writes into it, and needs nothing
// else. The shapes of the world come with it only when it has a map: the server takes them from dist/world.json.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Puts what needs a server in the place of what is here: the rows are in the page. */
function offline(): Plugin {
  return {
    name: 'offline',
    enforce: 'pre',
    resolveId(source) {
      if (/\/live\.svelte$/.test(source)) return here('src/published/live.svelte.ts');
      if (source === 'world-atlas/countries-50m.json?url') return here('src/published/world.ts');
      return null;
    },
  };
}

/** Writes script and style into the page, and nothing beside it. */
function whole(): Plugin {
  return {
    name: 'whole',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const files = Object.values(bundle);
        const page = files.find((file) => file.fileName === 'published.html');
        if (page?.type !== 'asset') throw new Error('there is no published.html to write into');
        const script = files.flatMap((file) => (file.type === 'chunk' ? file.code : [])).join('\n');
        const style = files.flatMap((file) => (file.type === 'asset' && file.fileName.endsWith('.css') ? String(file.source) : [])).join('\n');
        const html = String(page.source)
          .replace(/\s*<script type="module"[^>]*><\/script>/, '')
          .replace(/\s*<link rel="(stylesheet|modulepreload)"[^>]*>/g, '')
          .replace('</head>', () => `<style>${style}</style>\n  </head>`)
          .replace('</body>', () => `<script type="module">${script.replaceAll('</script', '<\\/script')}</script>\n  </body>`);
        for (const name of Object.keys(bundle)) delete bundle[name];
        this.emitFile({ type: 'asset', fileName: 'published.html', source: html });
        this.emitFile({ type: 'asset', fileName: 'world.json', source: readFileSync(createRequire(import.meta.url).resolve('world-atlas/countries-50m.json')) });
      },
    },
  };
}

export default defineConfig({
  mode: 'published',
  plugins: [offline(), svelte(), whole()],
  build: {
    target: 'es2022',
    emptyOutDir: false,
    copyPublicDir: false,
    assetsInlineLimit: Number.MAX_SAFE_INTEGER,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 2000,
    modulePreload: false,
    rollupOptions: { input: here('published.html'), output: { inlineDynamicImports: true } },
  },
});
