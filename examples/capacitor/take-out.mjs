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

/** What the app and its server need, and what only builds need, with what those need in turn. */
const PACKAGES = {
  dependencies: ['@hotpatch/capacitor', '@hotpatch/device-ground', '@hotpatch/protocol', '@hotpatch/web-bundle-server'],
  devDependencies: [
    'hotpatch',
    '@hotpatch/api',
    '@hotpatch/binary-files',
    '@hotpatch/client',
    '@hotpatch/signatures',
    '@hotpatch/simulator',
  ],
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
  const vendored = packInto(join(target, 'vendor'))
  const path = join(target, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  for (const [list, names] of Object.entries(PACKAGES)) {
    const added = names.map((name) => [name, `file:vendor/${vendored(name)}`])
    manifest[list] = Object.fromEntries([...added, ...Object.entries(manifest[list])].toSorted())
  }
  writeFileSync(path, `${JSON.stringify(manifest, undefined, 2)}\n`)
  const shell = process.platform === 'win32' // npm is npm.cmd there
  if (!option) execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: target, stdio: 'inherit', shell })
}

/** @returns the name of a package's file */
function packInto(vendor) {
  const built = mkdtempSync(join(tmpdir(), 'hotpatch-packed-'))
  try {
    execFileSync(process.execPath, [BUILD, built], { stdio: ['ignore', 'ignore', 'inherit'] })
    const files = readdirSync(join(built, 'tarballs'))
    mkdirSync(vendor)
    const find = (name) => {
      const start = `${name.replace('@', '').replace('/', '-')}-`
      const file = files.find((each) => each.startsWith(start) && /^\d/.test(each.slice(start.length)))
      if (!file) throw new Error(`${BUILD} packed no ${name}, only ${files.join(', ')}.`)
      return file
    }
    for (const name of Object.values(PACKAGES).flat())
      cpSync(join(built, 'tarballs', find(name)), join(vendor, find(name)))
    return find
  } finally {
    rmSync(built, { recursive: true, force: true })
  }
}

try {
  main(...process.argv.slice(2))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
