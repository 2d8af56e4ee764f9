// The pages of the console, which the server serves: built once, and again when one of their sources has changed.
// Plain JavaScript for any Node >= 20: npm start asks before it starts the pinned one.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, extname, join, relative, sep } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { markOf } from './find-bundle.mjs'

const PACKAGE = 'packages/dashboard'
const SOURCES = ['src', '../api/src', '../protocol/src']
/** Beside the sources: how they are built, and what of others they are built with. */
const SIGNPOSTS = [
  'index.html',
  'vite.config.ts',
  'package.json',
  '../../node_modules/.package-lock.json',
  '../../scripts/lib/console-pages.mjs',
]
const LONGEST_BUILD_MS = 5 * 60_000
const COMPRESSED = new Set(['.js', '.css', '.svg'])

const pagesOf = (root) => join(root, PACKAGE, 'pages')
const recordOf = (root) => join(root, PACKAGE, 'node_modules', '.cache', 'pages.json')

/** Whether what was built is of what is there now. */
export function arePagesCurrent(root) {
  try {
    const built = JSON.parse(readFileSync(recordOf(root), 'utf8'))
    return existsSync(join(pagesOf(root), 'index.html')) && JSON.stringify(built) === JSON.stringify(inputsOf(root))
  } catch {
    return false // nothing was built yet, or one of its sources is gone
  }
}

/** Two builds at once would take each other's pages away. What was left by one that was killed is not waited for. */
export async function withBuildLock(root, build) {
  const lock = join(root, PACKAGE, 'node_modules', '.cache', 'pages.lock')
  mkdirSync(dirname(lock), { recursive: true })
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (isOld(lock)) rmSync(lock, { recursive: true, force: true })
      else await wait(200)
    }
  }
  try {
    await build()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function isOld(lock) {
  try {
    return Date.now() - statSync(lock).mtimeMs > LONGEST_BUILD_MS
  } catch {
    return false // it has just been given back
  }
}

/** Needs what is installed, and the pinned Node. */
export async function buildPages(root) {
  // For users, whoever builds it: tests have another environment, and with it React would be its own for development.
  process.env.NODE_ENV = 'production'
  const { build } = await import('vite')
  const inputs = inputsOf(root)
  const making = join(root, PACKAGE, 'node_modules', '.cache', `pages-${process.pid}`)
  try {
    await build({ root: join(root, PACKAGE), logLevel: 'warn', build: { outDir: making, emptyOutDir: true } })
    await compress(join(making, 'assets'))
    put(making, pagesOf(root))
    mkdirSync(dirname(recordOf(root)), { recursive: true })
    writeFileSync(recordOf(root), JSON.stringify(inputs))
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** A server that runs serves the old ones until the new ones are whole. */
function put(made, pages) {
  const old = `${made}-old`
  if (existsSync(pages)) renameSync(pages, old)
  renameSync(made, pages)
  rmSync(old, { recursive: true, force: true })
}

/** As small as they get: it is done once, and served often. */
async function compress(directory) {
  const { brotliCompressSync, constants, gzipSync } = await import('node:zlib')
  for (const name of readdirSync(directory)) {
    if (!COMPRESSED.has(extname(name))) continue
    const bytes = readFileSync(join(directory, name))
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    writeFileSync(join(directory, `${name}.br`), brotliCompressSync(bytes, { params }))
    writeFileSync(join(directory, `${name}.gz`), gzipSync(bytes, { level: 9 }))
  }
}

function inputsOf(root) {
  const folder = join(root, PACKAGE)
  const sources = SOURCES.flatMap((source) => filesBelow(join(folder, source)))
  const paths = [...sources, ...SIGNPOSTS.map((name) => join(folder, name))]
  return Object.fromEntries(
    paths.map((path) => [relative(root, path).replaceAll(sep, '/'), markOf(path)]).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}
