import type { Stats } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import type { ContentInput } from './content-kind.ts'

const EXPECTED = { folder: 'a folder with a bundle', file: 'a bundle that is ready, as one file' } as const
const ADVICE = { folder: 'A folder is given with --bundle-dir.', file: 'A zip is given with --bundle.' } as const

/** @throws CommandError when there is nothing of the sort */
export async function requireThere(input: ContentInput): Promise<void> {
  if (input.kind === 'project' || input.kind === 'kit') return
  if (input.kind === 'installers') {
    for (const file of input.files) if ('path' in file) await requireThere({ kind: 'file', path: file.path })
    return
  }
  const { kind, path } = input
  const found = await statOf(path)
  if (kind === 'folder' ? found?.isDirectory() : found?.isFile()) return requireReadable(path)
  const message = `Expected ${EXPECTED[kind]} at ${path}, found`
  if (!found) throw new CommandError('bundle-missing', `${message} nothing.`)
  const other = found.isDirectory() ? 'folder' : found.isFile() ? 'file' : undefined
  const is = other === undefined ? 'neither a file nor a folder.' : `a ${other}. ${ADVICE[other]}`
  throw new CommandError('bundle-missing', `${message} ${is}`)
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined
    throw unreadable(path, cause)
  }
}

async function requireReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): CommandError {
  return new CommandError('bundle-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
}
