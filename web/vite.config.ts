// The build: static files under dist/ with hashed names and relative links, nothing inline, so that
// `default-src 'self'` is enough of a policy.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: './',
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  test: { include: ['test/unit/**/*.test.ts'], environment: 'node' },
});
