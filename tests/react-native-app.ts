import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const EXAMPLE = fileURLToPath(new URL('../examples/react-native', import.meta.url))

/** A copy of the example's own files; the modules, and with them the bundler's cache, are shared. */
export async function copyReactNativeApp(directory: string): Promise<string> {
  const copy = join(directory, 'app')
  await mkdir(copy, { recursive: true })
  for (const name of await readdir(EXAMPLE)) {
    if (name === 'node_modules' || name === 'build') continue
    await cp(join(EXAMPLE, name), join(copy, name), { recursive: true })
  }
  await symlink(join(EXAMPLE, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Makes the next bundle another one: the app shows this on its first screen. */
export function setRelease(app: string, release: { version: string; headline: string }): Promise<void> {
  return writeFile(join(app, 'release.json'), JSON.stringify(release))
}

/** Every file below a folder, by its path with "/". */
export async function readTree(directory: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const tree = new Map<string, Buffer>()
  for (const file of files.toSorted((a, b) => join(a.parentPath, a.name).localeCompare(join(b.parentPath, b.name)))) {
    const path = join(file.parentPath, file.name)
    tree.set(relative(directory, path).replaceAll('\\', '/'), await readFile(path))
  }
  return tree
}
