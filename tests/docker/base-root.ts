import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Kept outside the checkout, 170 MB: it takes a minute to make. */
const FOLDER = join(tmpdir(), 'hotpatch-image-base')
const BASE = /^node:(\d+)-([a-z]+)-slim$/

/**
 * What stands for the base image where images cannot be fetched: the same Debian by debootstrap, with the Node of the npm
 * package `node` and this machine's npm where the image has them.
 */
export async function baseRoot(image: string, node: string): Promise<string> {
  const [, major, suite] = BASE.exec(image) ?? []
  if (suite === undefined)
    throw new Error(`The base image is ${image}, and what stands for it is made for node:…-slim alone.`)
  const { stdout: version } = await run(node, ['--version'])
  if (!version.startsWith(`v${major}.`))
    throw new Error(`The base image has Node ${major}, and here is ${version.trim()}.`)
  const root = join(FOLDER, suite)
  if (!existsSync(root)) await debootstrap(root, suite)
  return root
}

async function debootstrap(root: string, suite: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const making = await mkdtemp(join(FOLDER, 'making-'))
  try {
    const env = { ...process.env, PATH: `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin` }
    await run('debootstrap', ['--variant=minbase', suite, making], { env, maxBuffer: 64 * 1024 * 1024 })
    await rename(making, root)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}

/** A copy that can be written, with what the image has beside Debian. */
export async function copyOfBase(base: string, to: string, node: string): Promise<void> {
  await run('cp', ['-a', '--reflink=auto', base, to])
  const local = join(to, 'usr/local')
  await cp(node, join(local, 'bin/node'), { dereference: true })
  const npm = await findNpm()
  await cp(npm, join(local, 'lib/node_modules/npm'), { recursive: true })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'))
  await trustWhatThisMachineTrusts(to)
}

async function findNpm(): Promise<string> {
  // Not one that a checkout has installed.
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  const npm = folders.map((folder) => join(folder, 'npm')).find(existsSync)
  if (npm === undefined) throw new Error('npm is not on PATH.')
  const { name } = JSON.parse(await readFile(join(dirname(realpathSync(npm)), '../package.json'), 'utf8')) as {
    name: string
  }
  if (name !== 'npm') throw new Error(`${npm} is not npm's own.`)
  return join(dirname(realpathSync(npm)), '..')
}

/** Where this machine goes through something that has a certificate of its own, its build goes the same way. */
async function trustWhatThisMachineTrusts(root: string): Promise<void> {
  const bundle = process.env.NODE_EXTRA_CA_CERTS
  if (bundle === undefined) return
  await mkdir(join(root, 'etc/ssl/certs'), { recursive: true })
  await cp(bundle, join(root, 'etc/ssl/certs/of-this-machine.crt'), { dereference: true })
}
