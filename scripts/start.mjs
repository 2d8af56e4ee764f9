// npm start: one command from a clean clone to a running server. Arguments are options for Node (npm run dev: --watch).
// In package.json, `exec` takes the shell away from between npm and this, so that npm's SIGTERM arrives and npm waits for
// the end. Windows knows no `exec` and goes on to the second half.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, root, runPinnedNode } from './lib/child.mjs'

// Node's own options: the default young generation costs the server 20 MB and gains it nothing.
const serverOptions = JSON.parse(readFileSync(new URL('./lib/server-options.json', import.meta.url), 'utf8'))
// Compiled code, types stripped: the second start is twice as fast and 30 MB smaller.
const compileCache = join(root, 'node_modules', '.cache', 'compiled')

await exitWith(async () => {
  await ensureInstalled()
  const options = [...serverOptions, ...process.argv.slice(2)]
  return runPinnedNode([...options, 'packages/server/src/main.ts'], { NODE_COMPILE_CACHE: compileCache })
})
