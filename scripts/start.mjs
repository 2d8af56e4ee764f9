// npm start: one command from a clean clone to a running server. Arguments are options for Node (npm run dev: --watch).
// In package.json, `exec` takes the shell away from between npm and this, so that npm's SIGTERM arrives and npm waits for
// the end. Windows knows no `exec` and goes on to the second half.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, root, runPinnedNode } from './lib/child.mjs'
import { arePagesCurrent } from './lib/console-pages.mjs'
import { findBundle, SERVER } from './lib/find-bundle.mjs'

// Of Node: the default young generation costs the server 20 MB and gains it nothing. Of the allocator of glibc: what threads
// and big files have freed is given back to the system, which is 200 MB of a server that publishes all day.
const serverOptions = JSON.parse(readFileSync(new URL('./lib/server-options.json', import.meta.url), 'utf8'))
// Compiled code: the second start is faster and smaller.
const compileCache = join(root, 'node_modules', '.cache', 'compiled')

await exitWith(async () => {
  await ensureInstalled()
  const unset = Object.entries(serverOptions.environment).filter(([name]) => process.env[name] === undefined)
  const options = [...serverOptions.node, ...process.argv.slice(2)]
  // A restart for a change is from the sources.
  const isWatching = options.some((option) => option.startsWith('--watch'))
  const stale = [
    // It prints where the bundle is, too; here that is found.
    ...(!isWatching && !findBundle(root, SERVER) ? [['scripts/entry.mjs', SERVER.name]] : []),
    // Without them the server works as well, but for its console, and says so there.
    ...(arePagesCurrent(root) ? [] : [['scripts/console-pages.mjs']]),
  ]
  const codes = await Promise.all(stale.map((script) => runPinnedNode(script, {}, ['ignore', 'ignore', 'inherit'])))
  // A signal was for all of this.
  const interrupted = codes.find((code) => code > 128)
  if (interrupted !== undefined) return interrupted
  const entry = (isWatching ? undefined : findBundle(root, SERVER)) ?? SERVER.source
  return runPinnedNode([...options, entry], { ...Object.fromEntries(unset), NODE_COMPILE_CACHE: compileCache })
})
