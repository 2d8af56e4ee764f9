import { defineConfig } from 'vite'
import react from '@vitejs/plugin-react'

/** Where `npm run dev:console` finds the server that `npm run dev` has started. */
const SERVER = 'http://localhost:8080'
const ADDRESS = '/dashboard/'

export default defineConfig(({ command }) => ({
  // The server may be below a path of a proxy: no address here is absolute.
  base: command === 'serve' ? ADDRESS : './',
  plugins: [
    react(),
    {
      name: 'console-address',
      apply: 'serve',
      // What the server does for each page, which knows how deep its address is.
      transformIndexHtml: (html) =>
        html.replace('name="hotpatch-console" content="./"', `name="hotpatch-console" content="${ADDRESS}"`),
    },
  ],
  build: {
    outDir: 'pages',
    emptyOutDir: true,
    target: 'es2023',
    // Those that know light-dark() by themselves.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // What is inlined would need more of the content security policy.
    assetsInlineLimit: 0,
    // It puts a script into the page, which the policy forbids; every browser that runs the rest knows modules.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  server: { proxy: { '/manage': SERVER } },
}))
