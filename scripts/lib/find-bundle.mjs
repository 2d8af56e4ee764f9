// Where the server starts from, and the tool where tests start it by the hundred. Plain JavaScript for any Node >= 20: npm start asks before it starts the pinned one.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What is bundled: what it starts from when there is no bundle, and from where in one. */
export const SERVER = { name: 'server', source: 'packages/server/src/main.ts', entry: 'main.js' }
export const TOOL = { name: 'cli', source: 'packages/cli/bin/hotpatch.js', entry: 'bin/hotpatch.js' }

/** They read files beside them, or are compiled, and are loaded when somebody asks: from where they are installed. */
export const EXTERNAL = [
  '@fastify/swagger',
  '@fastify/swagger-ui',
  '@node-rs/argon2',
  'pg-native',
  '@aws-sdk/client-s3',
  '@aws-sdk/s3-request-presigner',
  '@aws-sdk/cloudfront-signer',
  '@redis/client',
]

/** Below a package's own node_modules: what a bundle loads from where it is installed is found from there. */
export const bundlesOf = (root, { name }) => join(root, 'packages', name, 'node_modules', '.cache', 'bundles')

/** Where to start it from, or undefined when nothing was bundled from what is there now. */
export function findBundle(root, part) {
  const folder = bundlesOf(root, part)
  try {
    const { main, inputs } = JSON.parse(readFileSync(join(folder, 'newest.json'), 'utf8'))
    const isCurrent = Object.entries(inputs).every(([path, mark]) => markOf(join(root, path)) === mark)
    return isCurrent && existsSync(join(folder, main)) ? join(folder, main) : undefined
  } catch {
    return undefined // nothing was bundled yet, or one of its sources is gone
  }
}

/** Changes with the file. The time of its last change, as tools that unpack and copy set the other one back. */
export function markOf(path) {
  const { size, ctimeMs } = statSync(path)
  return `${size} ${ctimeMs}`
}
