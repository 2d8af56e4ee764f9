import { chmod, mkdtemp, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { ReleaseFinding } from '@hotpatch/api'
import { CommandError, systemReason } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { openContent, wholeOf } from './kinds.ts'

export interface WebBundleWish {
  /** What a build has written. */
  directory: string
  /** Where the zip is to be; what is there is replaced. Not in the folder. */
  out: string
  /** What it starts with; index.html when absent. */
  entry?: string | undefined
  withSourceMaps?: boolean
}

export interface WebBundle {
  path: string
  /** Lower-case hex. */
  sha256: string
  sizeBytes: number
  /** Sorted by path, as they are in the zip. */
  files: { path: string; sizeBytes: number }[]
  /** Paths of those that were found; they are left out unless they are wanted. */
  sourceMaps: string[]
}

/**
 * Makes the zip of a web app's folder that `hotpatch release` would publish: the same files give the same bytes. It is
 * there whole or not at all.
 * @param judge is told everything that was found, before anything is written, and throws where that stands against it
 */
export async function makeWebBundle(
  context: CliContext,
  { directory, out, entry, withSourceMaps = false }: WebBundleWish,
  judge: (findings: readonly ReleaseFinding[]) => void,
): Promise<WebBundle> {
  const working = await makeWorkingFolder(directory, out)
  try {
    const wish = { platform: 'web', projectDirectory: directory, entry, withSourceMaps } as const
    const content = await openContent(
      context,
      { kind: 'folder', path: directory, as: 'archive' },
      { wish, directory: working },
    )
    judge(content.findings)
    const { path, sha256, sizeBytes } = wholeOf(await content.pack())
    await moveTo(path, out)
    return {
      path: out,
      sha256,
      sizeBytes,
      files: content.files.map(({ name, sizeBytes }) => ({ path: name, sizeBytes })),
      sourceMaps: content.sourceMaps.map(({ name }) => name),
    }
  } finally {
    await rm(working, { recursive: true, force: true })
  }
}

/** Beside the zip, so that the last step is a rename. */
async function makeWorkingFolder(directory: string, out: string): Promise<string> {
  const parent = dirname(out)
  try {
    const folder = await realpath(parent)
    const root = await realpath(directory).catch(() => directory) // that it is not there is said later
    if (isInside(root, folder)) {
      const message = `${out} lies in ${directory}: the zip would be part of itself the next time. Name another place.`
      throw new CommandError('zip-unwritable', message)
    }
    return await mkdtemp(join(folder, `.${basename(out)}-`))
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    throw unwritable(out, cause)
  }
}

function isInside(root: string, folder: string): boolean {
  const path = relative(root, folder)
  return path === '' || !(path === '..' || path.startsWith(`..${sep}`))
}

async function moveTo(path: string, out: string): Promise<void> {
  try {
    await chmod(path, 0o644)
    await rename(path, out)
  } catch (cause) {
    throw unwritable(out, cause)
  }
}

function unwritable(out: string, cause: unknown): CommandError {
  return new CommandError('zip-unwritable', `The zip cannot be written to ${out}: ${systemReason(cause)}.`, { cause })
}
