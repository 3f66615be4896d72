import { defineConfig } from 'vite'

// The service's address while one develops; `npm run mock` listens here too.
const service = 'http://127.0.0.1:8443'

export default defineConfig({
  esbuild: { jsx: 'automatic' },
  build: {
    // Debian 12's Chromium and Firefox, and Safari of the same time.
    target: ['chrome111', 'firefox115', 'safari16.4'],
    // Everything is a file of its own: the content security policy allows no inline script or style.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      // "use client" means nothing here; each of Mantine's files has it.
      onwarn: (warning, warn) => warning.code !== 'MODULE_LEVEL_DIRECTIVE' && warn(warning),
    },
  },
  server: {
    host: '127.0.0.1',
    // The service refuses requests that come from another origin's page; here it is the same page.
    proxy: { '/api': { target: service, changeOrigin: true, headers: { Origin: service } } },
  },
})
