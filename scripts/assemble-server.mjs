// npm run assemble -- FOLDER: the server with all that it loads, in a folder that needs nothing but Node 24: for images and
// machines without a checkout. By itself, as images run it, it takes a Node that is new enough, and pages of the console that
// were built before (scripts/console-pages.mjs).
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { exitWith, root } from './lib/child.mjs'
import { EXTERNAL, findBundle, SERVER } from './lib/find-bundle.mjs'

/** What its bundle asks for by name, and has no part of. */
const SERVER_PACKAGE = join(root, 'packages', 'server')
const DASHBOARD = join(root, 'packages', 'dashboard')

await exitWith(async () => {
  const target = process.argv[2]
  if (!target)
    throw new Error('assemble-server: expected the folder to write, as in npm run assemble -- /opt/hotpatch.')
  if (!existsSync(join(DASHBOARD, 'pages', 'index.html'))) {
    throw new Error(
      'assemble-server: the pages of the console are not there. Run node scripts/console-pages.mjs before.',
    )
  }
  await assemble(resolve(target))
  return 0
})

async function assemble(target) {
  if (!findBundle(root, SERVER)) await bundle()
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const isShipped = (path) => !path.endsWith('.map') && !/used-by-\d+$/.test(path)
  cpSync(dirname(findBundle(root, SERVER)), target, { recursive: true, filter: isShipped })
  for (const name of ['package.json', 'pages']) {
    cpSync(join(DASHBOARD, name), join(target, 'node_modules', '@hotpatch', 'dashboard', name), { recursive: true })
  }
  const copied = new Map()
  for (const name of EXTERNAL) copyPackage(name, SERVER_PACKAGE, { target, copied })
}

async function bundle() {
  const [major] = process.versions.node.split('.')
  if (Number(major) < 22) {
    throw new Error(
      `assemble-server: expected Node 22 or newer, found ${process.versions.node}. Take npm run assemble, which has its own.`,
    )
  }
  const { makeBundle } = await import('./lib/make-bundle.mjs')
  await makeBundle(root, SERVER)
}

/** With what it depends on, each where it is found by whoever asks for it. What is for other machines is not installed. */
function copyPackage(name, from, { target, copied }) {
  const folder = findPackage(name, from)
  if (!folder || copied.has(folder)) return
  const place = placeOf(folder)
  const other = [...copied].find(([, taken]) => taken === place)
  if (other) throw new Error(`assemble-server: ${folder} and ${other[0]} would both be at ${place}.`)
  copied.set(folder, place)
  const isOwn = (path) => !relative(folder, path).split(sep).includes('node_modules')
  cpSync(folder, join(target, place), { recursive: true, dereference: true, filter: isOwn })
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  )
  for (const next of Object.keys({ ...dependencies, ...optionalDependencies }))
    copyPackage(next, folder, { target, copied })
}

/** As Node looks for it; its exports may hide its package.json. */
function findPackage(name, from) {
  const folders = createRequire(join(from, 'package.json')).resolve.paths(name) ?? []
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(join(path, 'package.json')))
  return found && realpathSync(found)
}

/** Those of the checkout and those of the server alone are together, those of a package are in it. */
function placeOf(folder) {
  const [, ...nested] = folder.split(`${sep}node_modules${sep}`)
  return join('node_modules', nested.join(`${sep}node_modules${sep}`))
}
