// Puts the server, or the tool, into a few files. Loading sources and their dependencies, more than a thousand modules, takes
// most of a start. A bundle knows what it was made of: one that is out of date is not found.
import { createHash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { root as ownRoot } from './child.mjs'
import { bundlesOf, EXTERNAL, markOf, SERVER, TOOL } from './find-bundle.mjs'

/** Each by the name of its file: workers are looked for beside the one that starts them. */
const ENTRIES = {
  [SERVER.name]: [SERVER.source, 'packages/server/src/**/*-worker.ts'],
  [TOOL.name]: [TOOL.source],
}
/** What its imports are found by. npm writes the last one whenever it changes what is installed. */
const SIGNPOSTS = ['packages/*/package.json', 'node_modules/.package-lock.json']
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

/** One that is too old finds modules missing, and says only which. */
function refuseOldNode(root, part) {
  const [major, minor] = enginesOf(root, part).node.replace('>=', '').split('.')
  return `{
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < ${major} || (major === ${major} && minor < ${minor})) {
    process.stderr.write(
      \`hotpatch-server: needs Node ${major}.${minor} or newer, found \${process.versions.node} at \${process.execPath}. Install a current Node from https://nodejs.org.\\n\`,
    )
    process.exit(1)
  }
}
`
}

/** Bundles what is there now. Needs what is installed, and the pinned Node. */
export async function makeBundle(root, part) {
  const folder = bundlesOf(root, part)
  const making = join(folder, `making-${process.pid}`)
  mkdirSync(making, { recursive: true })
  try {
    const inputs = await write(root, part, making)
    // What ends in .js is a module: said here, Node does not have to look into it.
    const about = part === TOOL ? { type: 'module', engines: enginesOf(root, part) } : { type: 'module' }
    writeFileSync(join(making, 'package.json'), `${JSON.stringify(about)}\n`)
    const name = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16)
    putInPlace(making, join(folder, name), part)
    const newest = join(folder, `newest-${process.pid}.json`)
    writeFileSync(newest, JSON.stringify({ main: `${name}/${part.entry}`, inputs }))
    renameSync(newest, join(folder, 'newest.json'))
    removeOld(folder)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** The tool reads which Node it needs. */
function enginesOf(root, { name }) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).engines
}

/** Whoever makes the same at once makes the same files, and a server may run from them already. */
function putInPlace(making, place, { entry }) {
  const isThere = () => existsSync(join(place, entry))
  if (isThere()) return
  rmSync(place, { recursive: true, force: true })
  try {
    renameSync(making, place)
  } catch (error) {
    if (!isThere()) throw error
  }
}

/** Returns what it was made of. */
async function write(root, part, directory) {
  const entries = globSync(ENTRIES[part.name], { cwd: root })
  const loaded = new Set([fileURLToPath(import.meta.url)])
  const bundle = await rolldown({
    cwd: root,
    platform: 'node',
    input: Object.fromEntries(entries.map((path) => [basename(path).replace(/\.[jt]s$/, ''), join(root, path)])),
    external: EXTERNAL,
    // Some have a form for bundlers, and another that loads its parts by names that a bundler does not see.
    ...(part === TOOL && { resolve: { mainFields: ['module', 'main'] } }),
    logLevel: 'silent',
    plugins: [{ name: 'inputs', moduleParsed: ({ id }) => void loaded.add(id) }],
  })
  const startedAt = Date.now()
  const first = part === SERVER ? `${refuseOldNode(ownRoot, part)}${SAY_WHO_RUNS}` : ''
  const banner = ({ name, isEntry }) => (isEntry && name === 'main' ? first : '')
  await bundle.write({ dir: dirname(join(directory, part.entry)), format: 'esm', sourcemap: true, banner })
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
