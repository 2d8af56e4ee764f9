// Puts the server into a few files. Loading its sources and their dependencies, more than a thousand modules, takes most
// of a start. A bundle knows what it was made of: one that is out of date is not found.
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { bundlesOf, markOf, SERVER_SOURCE } from './find-bundle.mjs'

const WORKERS = 'packages/server/src/**/*-worker.ts'
/** What its imports are found by. npm writes the last one whenever it changes what is installed. */
const SIGNPOSTS = ['packages/*/package.json', 'node_modules/.package-lock.json']
/** They read files beside them, or are compiled, and are loaded when somebody asks: from where they are installed. */
const EXTERNAL = ['@fastify/swagger', '@fastify/swagger-ui', '@node-rs/argon2', 'pg-native']
/** Besides those that servers run from: these load what is asked for, and start threads, at any time. */
const KEPT_FOLDERS = 3
const USER = /^used-by-(\d+)$/
/** A server says by a file that it runs from there, which may be for reading only. */
const SAY_WHO_RUNS = `try {
  const { rmSync, writeFileSync } = process.getBuiltinModule('node:fs')
  const user = new URL(\`./used-by-\${process.pid}\`, import.meta.url)
  writeFileSync(user, '')
  process.once('exit', () => rmSync(user, { force: true }))
} catch {}`

/** Bundles what is there now. Needs what is installed, and the pinned Node. */
export async function bundleServer(root) {
  const folder = bundlesOf(root)
  const making = join(folder, `making-${process.pid}`)
  mkdirSync(making, { recursive: true })
  try {
    const inputs = await write(root, making)
    // What ends in .js is a module: said here, Node does not have to look into it.
    writeFileSync(join(making, 'package.json'), '{ "type": "module" }\n')
    const name = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16)
    putInPlace(making, join(folder, name))
    const newest = join(folder, `newest-${process.pid}.json`)
    writeFileSync(newest, JSON.stringify({ main: `${name}/main.js`, inputs }))
    renameSync(newest, join(folder, 'newest.json'))
    removeOld(folder)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** Whoever makes the same at once makes the same files, and a server may run from them already. */
function putInPlace(making, place) {
  const isThere = () => existsSync(join(place, 'main.js'))
  if (isThere()) return
  rmSync(place, { recursive: true, force: true })
  try {
    renameSync(making, place)
  } catch (error) {
    if (!isThere()) throw error
  }
}

/** Returns what it was made of. */
async function write(root, directory) {
  const entries = [SERVER_SOURCE, ...globSync(WORKERS, { cwd: root })]
  const loaded = new Set([fileURLToPath(import.meta.url)])
  const bundle = await rolldown({
    cwd: root,
    platform: 'node',
    // Each by the name of its file: workers are looked for beside the one that starts them.
    input: Object.fromEntries(entries.map((path) => [basename(path, '.ts'), join(root, path)])),
    external: EXTERNAL,
    logLevel: 'silent',
    plugins: [{ name: 'inputs', moduleParsed: ({ id }) => void loaded.add(id) }],
  })
  const startedAt = Date.now()
  const banner = ({ name, isEntry }) => (isEntry && name === 'main' ? SAY_WHO_RUNS : '')
  await bundle.write({ dir: directory, format: 'esm', sourcemap: true, banner })
  await bundle.close()
  const own = [...loaded].filter((path) => existsSync(path) && !path.includes(`${sep}node_modules${sep}`))
  const signposts = SIGNPOSTS.flatMap((pattern) => globSync(pattern, { cwd: root })).map((path) => join(root, path))
  const inputs = [...own, ...signposts].map((path) => {
    if (statSync(path).ctimeMs >= startedAt) throw new Error(`${path} changed while it was bundled.`)
    return [relative(root, path).replaceAll(sep, '/'), markOf(path)]
  })
  return Object.fromEntries(inputs.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function removeOld(folder) {
  const folders = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)
  const old = folders.slice(KEPT_FOLDERS).filter(({ path }) => !isUsed(path))
  for (const { path } of old) rmSync(path, { recursive: true, force: true })
}

function isUsed(path) {
  return readdirSync(path).some((name) => {
    const [, pid] = USER.exec(name) ?? []
    return pid !== undefined && isRunning(Number(pid))
  })
}

/** One that was killed has left its file behind. */
function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM' // somebody else's
  }
}
