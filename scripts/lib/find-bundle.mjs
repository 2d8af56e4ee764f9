// Where the server starts from. Plain JavaScript for any Node >= 20: npm start asks before it starts the pinned one.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What is bundled, and what the server starts from when there is no bundle. */
export const SERVER_SOURCE = 'packages/server/src/main.ts'

/** Below the server's own node_modules: what a bundle loads from where it is installed is found from there. */
export const bundlesOf = (root) => join(root, 'packages', 'server', 'node_modules', '.cache', 'bundles')

/** Where to start the server from, or undefined when nothing was bundled from what is there now. */
export function findBundle(root) {
  try {
    const { main, inputs } = JSON.parse(readFileSync(join(bundlesOf(root), 'newest.json'), 'utf8'))
    const isCurrent = Object.entries(inputs).every(([path, mark]) => markOf(join(root, path)) === mark)
    return isCurrent && existsSync(join(bundlesOf(root), main)) ? join(bundlesOf(root), main) : undefined
  } catch {
    return undefined // nothing was bundled yet, or one of its sources is gone
  }
}

/** Changes with the file. The time of its last change, as tools that unpack and copy set the other one back. */
export function markOf(path) {
  const { size, ctimeMs } = statSync(path)
  return `${size} ${ctimeMs}`
}
