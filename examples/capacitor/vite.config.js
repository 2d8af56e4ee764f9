import { readFileSync } from 'node:fs'
import { defineConfig } from 'vite'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))

export default defineConfig(({ mode }) => {
  const isCapacitor = mode === 'capacitor'
  return {
    // A page of the server is at the root of its host; in the app the files lie wherever the plugin unpacked them.
    base: isCapacitor ? './' : '/',
    define: { APP_VERSION: JSON.stringify(version) },
    build: { outDir: isCapacitor ? 'dist/capacitor' : 'dist/browser', target: 'es2022' },
  }
})
