// Makes a project of its own out of this example: node examples/capacitor/take-out.mjs FOLDER [--no-install]
// The HotPatch packages are packed into its vendor/, and it depends on those.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const EXAMPLE = fileURLToPath(new URL('.', import.meta.url))
const BUILD = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
const STAYS = ['node_modules', 'dist', 'vendor', 'take-out.mjs']

/** What the app and its server need, and what only builds need. What those need in turn comes along. */
const PACKAGES = {
  dependencies: ['@hotpatch/capacitor', '@hotpatch/web-bundle-server'],
  devDependencies: ['hotpatch'],
}

function main(folder, option) {
  if (!folder || (option !== undefined && option !== '--no-install')) {
    throw new Error('Usage: node examples/capacitor/take-out.mjs FOLDER [--no-install]')
  }
  const target = resolve(folder)
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new Error(`${target} is not empty. Name a folder that is, or one that is not there yet.`)
  }
  mkdirSync(target, { recursive: true })
  for (const name of readdirSync(EXAMPLE)) {
    if (!STAYS.includes(name)) cpSync(join(EXAMPLE, name), join(target, name), { recursive: true })
  }
  const packed = packInto(join(target, 'vendor'))
  const path = join(target, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  for (const [list, names] of Object.entries(PACKAGES)) {
    for (const name of withWhatTheyNeed(names, packed)) {
      if (!manifest.dependencies[name]) manifest[list][name] = `file:vendor/${packed.get(name).file}`
    }
    manifest[list] = Object.fromEntries(Object.entries(manifest[list]).toSorted())
  }
  writeFileSync(path, `${JSON.stringify(manifest, undefined, 2)}\n`)
  const shell = process.platform === 'win32' // npm is npm.cmd there
  if (!option) execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: target, stdio: 'inherit', shell })
}

/** @returns every package that is published, by name: its file in `vendor`, and which of them it needs */
function packInto(vendor) {
  const built = mkdtempSync(join(tmpdir(), 'hotpatch-packed-'))
  try {
    execFileSync(process.execPath, [BUILD, built], { stdio: ['ignore', 'ignore', 'inherit'] })
    const manifests = readdirSync(join(built, 'packages')).map((folder) =>
      JSON.parse(readFileSync(join(built, 'packages', folder, 'package.json'), 'utf8')),
    )
    const packed = new Map(
      manifests.map(({ name, version, dependencies = {} }) => [
        name,
        { file: `${name.replace('@', '').replace('/', '-')}-${version}.tgz`, needs: Object.keys(dependencies) },
      ]),
    )
    for (const name of withWhatTheyNeed(Object.values(PACKAGES).flat(), packed)) {
      const { file } = packed.get(name)
      cpSync(join(built, 'tarballs', file), join(vendor, file))
    }
    return packed
  } finally {
    rmSync(built, { recursive: true, force: true })
  }
}

/** Of what is packed; the rest is npm's. */
function withWhatTheyNeed(names, packed) {
  const found = new Set(names)
  for (const name of found) {
    for (const needed of packed.get(name).needs) if (packed.has(needed)) found.add(needed)
  }
  return found
}

try {
  main(...process.argv.slice(2))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
