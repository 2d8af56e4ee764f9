// npm run dev:console: the pages of the console, shown anew when one of their sources changes, over the server that
// `npm run dev` runs. Arguments go to Vite.
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, root, runPinnedNode } from './lib/child.mjs'
import { join } from 'node:path'

await exitWith(async () => {
  await ensureInstalled()
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  return runPinnedNode([vite, join(root, 'packages', 'dashboard'), ...process.argv.slice(2)])
})
