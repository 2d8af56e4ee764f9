import type { App, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readPlatforms, readVersion } from '../arguments/readers.ts'
import { wholeOf } from '../content/kinds.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { findNamedRelease } from './find-release.ts'
import { packSame, withLocalBytes, type LocalBytesOptions } from './local-bytes.ts'
import { findPlace, type ReleasePlace } from './release-wishes.ts'
import { choosePlatforms } from './several-platforms.ts'

/** Of a command that adds something to releases of one version, for several platforms. */
export interface ForEachOptions extends SessionOptions, LocalBytesOptions {
  platform?: Platform[]
}

export function ofEachRelease(command: Command): Command {
  return withLocalBytes(command)
    .argument('<version>', 'of the release', readVersion)
    .option('--platform <platforms>', 'one, or several; all of hotpatch.json when absent', readPlatforms)
}

/** A release whose bytes lie here, and were found to be those. */
export interface HeldRelease {
  app: App
  release: Release
  zip: ReturnType<typeof wholeOf>
  directory: string
}

/** What is made of the bytes with a key of the publisher's. */
export interface AddedToReleases<Key, Added> {
  /** Such as `variants`: what a result of several is called. */
  name: string
  /** @throws UsageError when none is named */
  chooseKey(session: Session, app: App, place: ReleasePlace): Promise<Key>
  question(key: Key, platforms: string): string
  add(session: Session, held: HeldRelease, key: Key): Promise<Added>
}

/** Everything is looked up, and asked, before anything is made. */
export async function addToEachRelease<Key, Added extends object>(
  context: CliContext,
  version: string,
  options: ForEachOptions,
  { name, chooseKey, question, add }: AddedToReleases<Key, Added>,
): Promise<{ session: Session; result: object; added: Added[] }> {
  const session = await openSession(context, options)
  const place = await findPlace(session)
  const platforms = choosePlatforms(options.platform, session.project)
  session.requireConsent()
  const app = await session.chooseApp()
  const key = await chooseKey(session, app, place)
  const releases: Release[] = []
  for (const platform of platforms) releases.push(await findNamedRelease(session.api, app, { version, platform }))
  await session.confirm(question(key, formatList(platforms)))
  const added = await withTemporary(context, async (temporary) => {
    const made: Added[] = []
    for (const release of releases) {
      const { bytes, directory } = await packSame(session, release, { options, place, temporary })
      made.push(await add(session, { app, release, zip: wholeOf(bytes), directory }, key))
    }
    return made
  })
  const [only] = added
  return { session, added, result: added.length === 1 && only ? only : { [name]: added } }
}
