import { defineConfig } from 'vite'
import react from '@vitejs/plugin-react'

/** Where `npm run dev` finds the server. */
const SERVER = 'http://localhost:3000'

export default defineConfig({
  // The server may be below a path of a proxy: no address here is absolute.
  base: './',
  plugins: [react()],
  build: {
    outDir: 'pages',
    emptyOutDir: true,
    target: 'es2023',
    // What is inlined would need more of the content security policy.
    assetsInlineLimit: 0,
    // It puts a script into the page, which the policy forbids; every browser that runs the rest knows modules.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  server: { proxy: { '/manage': SERVER } },
})
