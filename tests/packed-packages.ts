import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { madeOnce } from '@hotpatch/testkit'

export const ROOT = fileURLToPath(new URL('../', import.meta.url))

const execute = promisify(execFile)

export interface Manifest {
  name: string
  version: string
  private?: boolean
  license?: string
  description?: string
  keywords?: string[]
  sideEffects?: boolean
  homepage?: string
  bugs?: { url: string }
  repository?: { type: string; url: string; directory: string }
  publishConfig?: { access: string; provenance: boolean }
  engines?: Record<string, string>
  bin?: Record<string, string>
  exports?: Record<string, string | { types: string; default: string }>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** Packages name the repository that they were told of. */
export const REPOSITORY = 'https://example.com/somebody/hotpatch'

/** A build takes a minute of both processors of a small machine, and longer on a busy one. */
export const BUILD_TIMEOUT_MS = 20 * 60_000

/** What is published, packed: once for all tests of a run. */
export async function packPackages(): Promise<string[]> {
  const packed = await madeOnce('packed', async (directory) => {
    const env = { HOTPATCH_REPOSITORY: REPOSITORY }
    await runNode([join(ROOT, 'scripts/build.mjs'), directory], { cwd: ROOT, env })
  })
  const folder = join(packed, 'tarballs')
  return (await readdir(folder)).map((name) => join(folder, name))
}

/** Makes `directory` a project that has installed what is published: from the tarballs alone, without a network. */
export async function installPacked(directory: string): Promise<{ modules: string; manifests: Manifest[] }> {
  const modules = join(directory, 'node_modules')
  const manifests = []
  for (const tarball of await packPackages()) manifests.push(await unpack(tarball, modules))
  return { modules, manifests }
}

export async function manifestIn(tarball: string): Promise<Manifest> {
  const { stdout } = await execute('tar', ['-xzOf', tarball, 'package/package.json'])
  return JSON.parse(stdout) as Manifest
}

/** As npm would, with its dependencies as this workspace has them. */
export async function unpack(tarball: string, modules: string): Promise<Manifest> {
  const manifest = await manifestIn(tarball)
  const target = join(modules, manifest.name)
  await mkdir(target, { recursive: true })
  await execute('tar', ['-xzf', tarball, '--strip-components=1', '-C', target])
  // What it says it needs, and no more: a dependency that only the workspace has is not found.
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (!name.startsWith('@hotpatch/')) await link(name, join(target, 'node_modules'))
  }
  return manifest
}

/** As this workspace has it. */
export async function link(name: string, modules: string): Promise<void> {
  const path = join(modules, name)
  await mkdir(dirname(path), { recursive: true })
  await symlink(join(ROOT, 'node_modules', name), path)
}

/** Runs a program as people's machines do: nothing of this workspace in its environment. @throws with what it printed */
export async function runNode(
  args: readonly string[],
  { cwd, node = process.execPath, env = {} }: { cwd: string; node?: string; env?: Record<string, string> },
): Promise<string> {
  const { NODE_OPTIONS: _, ...inherited } = process.env
  const { stdout } = await execute(node, args, { cwd, env: { ...inherited, ...env } }).catch((cause: unknown) => {
    const { stdout, stderr } = cause as { stdout: string; stderr: string }
    throw new Error(`${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause })
  })
  return stdout
}

/** This Node, and another one that the machine has. */
export async function findNodes(): Promise<string[]> {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder && !folder.includes('node_modules'))
  for (const folder of folders) {
    const node = join(folder, process.platform === 'win32' ? 'node.exe' : 'node')
    const version = await execute(node, ['--version']).then(
      ({ stdout }) => stdout,
      () => '',
    ) // there is none
    if (Number(/^v(\d+)/.exec(version)?.[1] ?? 0) >= 20) return [process.execPath, node]
  }
  return [process.execPath]
}

/** Every file below a folder, with "/". */
export async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const below = (path: string) => path.slice(directory.length + 1).replaceAll('\\', '/')
  return entries.filter((entry) => entry.isFile()).map((entry) => below(join(entry.parentPath, entry.name)))
}
