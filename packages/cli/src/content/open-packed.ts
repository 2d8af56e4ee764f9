import { mkdir } from 'node:fs/promises'
import type { CliContext } from '../process/context.ts'
import type { ContentInput } from './content-kind.ts'
import { openContent, type OpenContent } from './kinds.ts'

/** A zip that was packed before, with its files. @param directory of its own, for a copy and what is in it */
export async function openPacked(context: CliContext, path: string, directory: string): Promise<OpenContent> {
  return openIn(context, { kind: 'file', path }, directory)
}

/** A folder of files that are nobody's app. */
export async function openFolder(context: CliContext, path: string, directory: string): Promise<OpenContent> {
  return openIn(context, { kind: 'folder', path, as: 'archive' }, directory)
}

async function openIn(context: CliContext, input: ContentInput, directory: string): Promise<OpenContent> {
  await mkdir(directory)
  const wish = { platform: 'any', projectDirectory: directory, entry: undefined, withSourceMaps: true } as const
  return openContent(context, input, { wish, directory })
}
