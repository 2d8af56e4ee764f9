import { cp, lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'

/** What a Dockerfile may copy, as .dockerignore has it: the last pattern that fits decides. */
export async function readIgnored(context: string): Promise<(path: string) => boolean> {
  const text = await readFile(join(context, '.dockerignore'), 'utf8')
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => ({ isException: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }))
  return (path) => {
    let isIgnored = false
    for (const { isException, pattern } of patterns) {
      // What fits a folder fits all below it.
      const parents = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'))
      if (parents.some((parent) => pattern.test(parent))) isIgnored = !isException
    }
    return isIgnored
  }
}

/** As Go's filepath.Match has them, with "**" for any folders: unlike a shell's, a star takes names that begin with a dot. */
function patternOf(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/|\*|\?)/).map((part) => {
    if (part === '**/') return '(?:.*/)?'
    if (part === '*') return '[^/]*'
    return part === '?' ? '[^/]' : part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}

/** COPY: the content of a folder, or a file by its name. Links are copied as links, as there. */
export async function copySources(
  sources: readonly string[],
  { from, to, isIgnored }: { from: string; to: string; isIgnored?: (path: string) => boolean },
): Promise<void> {
  for (const source of sources) {
    const path = join(from, source)
    if ((await lstat(path)).isDirectory()) await copyFolder(path, to, from, isIgnored)
    else if (isIgnored?.(source)) throw new Error(`COPY ${source}: .dockerignore leaves it out.`)
    else await cp(path, sources.length > 1 || to.endsWith('/') ? join(to, basename(source)) : to)
  }
}

async function copyFolder(
  folder: string,
  to: string,
  context: string,
  isIgnored?: (path: string) => boolean,
): Promise<void> {
  if (!isIgnored) return cp(folder, to, { recursive: true, verbatimSymlinks: true })
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    const named = relative(context, path)
    if (entry.isDirectory()) {
      // Something below may be excepted: of a root that leaves out everything, deploy/docker is.
      if (!isIgnored(named) || named.split('/').length === 1) {
        if (!['node_modules', '.git'].includes(entry.name))
          await copyFolder(path, join(to, entry.name), context, isIgnored)
      }
    } else if (!isIgnored(named)) await cp(path, join(to, entry.name), { verbatimSymlinks: true })
  }
}
