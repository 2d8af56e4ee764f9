import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Release } from '@hotpatch/api'
import type { Command } from 'commander'
import { readEntry } from '../arguments/readers.ts'
import { digestOfZip, isSameContent, openContent, type ReleaseBytes } from '../content/kinds.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import { findContentInput, readContentWish, type ReleaseOptions, type ReleasePlace } from './release-wishes.ts'

/** Of a command about bytes of a release that lie here still. */
export type LocalBytesOptions = Pick<ReleaseOptions, 'bundle' | 'bundleDir' | 'entry' | 'sourceMaps'>

export function withLocalBytes(command: Command): Command {
  return command
    .option('--bundle-dir <folder>', 'what was published; webDir of a Capacitor app when absent')
    .option('--bundle <zip>', 'the zip that was published')
    .option('--entry <file>', 'what a web app starts with; index.html when absent', readEntry)
    .option('--source-maps', 'source maps were published, too')
}

/**
 * The bytes of a release as they lie here: whoever signs or encrypts them does not take a server's word for what they are.
 * @throws CommandError content-differs when they are not those of the release
 */
export async function packSame(
  { context }: Session,
  release: Pick<Release, 'version' | 'platform' | 'content'>,
  { options, place, temporary }: { options: LocalBytesOptions; place: ReleasePlace; temporary: string },
): Promise<{ bytes: ReleaseBytes; directory: string }> {
  const { version, platform, content } = release
  const given = { ...options, version }
  const input = findContentInput(given, platform, place)
  if (input.kind !== 'folder' && input.kind !== 'file') {
    throw new UsageError('Say where its bytes lie: --bundle app.zip, or --bundle-dir www.')
  }
  const directory = join(temporary, platform)
  await mkdir(directory)
  const wish = readContentWish(given, platform, place)
  const bytes = await (await openContent(context, input, { wish, directory })).pack()
  if (isSameContent(content, bytes)) return { bytes, directory }
  const known = content.kind === 'archive' ? `, whose SHA-256 is ${content.sha256}` : ''
  const expected = `Expected the bytes of ${version} for ${platform}${known}`
  const advice = 'Build the same sources again, or give the zip that was published: --bundle.'
  throw new CommandError('content-differs', `${expected}, found ${digestOfZip(bytes)} in ${input.path}. ${advice}`)
}
