import { constants, type Dirent, type Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { filePathFault, findPathConflict, MAX_FILE_PATH_BYTES } from '@hotpatch/protocol'
import { CommandError, systemReason } from '../../errors/errors.ts'
import type { ContentFile } from '../content-kind.ts'

/**
 * No bundle is like this: somebody named the wrong folder. A server's own limits, which its operator sets, are lower. More
 * files or bytes would need ZIP64, which devices do not read.
 */
export const BUNDLE_LIMITS = { files: 65_534, totalBytes: 4 * 1000 ** 3, nameBytes: MAX_FILE_PATH_BYTES }

const IGNORED = new Set(['.DS_Store'])

/** Every file of a bundle, sorted by name, so that the order does not depend on the file system. */
export async function listBundleFiles(directory: string, limits = BUNDLE_LIMITS): Promise<ContentFile[]> {
  const files: ContentFile[] = []
  let totalBytes = 0
  const root = await resolve(directory)

  async function visit(prefix: string) {
    for (const entry of await listFolder(join(root, prefix))) {
      if (IGNORED.has(entry.name)) continue
      const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      if (entry.isDirectory()) await visit(name)
      else await add(name)
    }
  }

  async function add(name: string) {
    const path = join(root, name)
    const { target, stats } = await findInside(root, path)
    if (!stats.isFile()) throw refusal(path, 'neither a file nor a folder')
    const fault = filePathFault(name, limits.nameBytes)
    if (fault) throw refusal(path, fault.found)
    const isExecutable = (stats.mode & constants.S_IXUSR) !== 0
    files.push({
      name,
      path: target,
      sizeBytes: stats.size,
      modifiedAtMs: stats.mtimeMs,
      ...(isExecutable && { isExecutable }),
    })
    totalBytes += stats.size
    if (files.length > limits.files) throw refusal(directory, `more than ${limits.files} files`)
    if (totalBytes > limits.totalBytes) throw refusal(directory, `more than ${limits.totalBytes} bytes`)
  }

  await visit('')
  if (files.length === 0) throw refusal(directory, 'no files')
  refuseConflicts(files)
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What is two files here is one on other systems. */
function refuseConflicts(files: readonly ContentFile[]): void {
  const conflict = findPathConflict(files.map(({ name }) => name))
  if (!conflict) return
  const pathOf = (found: string) => files.find(({ name }) => name === found)?.path ?? found
  throw refusal(pathOf(conflict.path), `${pathOf(conflict.other)}, which is the same on some devices`)
}

/** A link may stand for another file of the bundle. One that leads elsewhere could publish anything on this machine. */
async function findInside(root: string, path: string): Promise<{ target: string; stats: Stats }> {
  const target = await resolve(path)
  if (!target.startsWith(root + sep)) throw refusal(path, 'a link out of the bundle')
  return { target, stats: await stat(target) }
}

async function resolve(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (cause) {
    throw new CommandError('bundle-invalid', `${path} leads nowhere: ${systemReason(cause)}.`, { cause })
  }
}

async function listFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (cause) {
    throw new CommandError('bundle-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

function refusal(path: string, found: string): CommandError {
  return new CommandError('bundle-invalid', `${path} cannot be published: found ${found}.`)
}
