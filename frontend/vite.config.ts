import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The same sources give the same id, on any machine. */
function buildId(): string {
  const hash = createHash('sha256');
  const visit = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const full = join(path, entry.name);
      if (entry.isDirectory()) visit(full);
      else hash.update(full).update(readFileSync(full));
    }
  };
  for (const folder of ['src', 'public']) visit(folder);
  hash.update(readFileSync('index.html')).update(readFileSync('package-lock.json'));
  return hash.digest('hex').slice(0, 16);
}

/** Writes `/version.json`, by which an open tab learns that it is outdated. */
function versionFile(id: string): Plugin {
  return {
    name: 'plaza-version-file',
    generateBundle() {
      this.emitFile({
        type: 'asset',
        fileName: 'version.json',
        source: `${JSON.stringify({ build: id })}\n`,
      });
    },
  };
}

const id = buildId();

export default defineConfig({
  plugins: [react(), versionFile(id)],
  define: { __BUILD_ID__: JSON.stringify(id) },
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // The Content-Security-Policy allows nothing inline, data: addresses included.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    sourcemap: false,
  },
  css: { modules: { localsConvention: 'camelCaseOnly' } },
  server: {
    port: 5173,
    proxy: { '/graphql': 'http://127.0.0.1:8080' },
  },
});
