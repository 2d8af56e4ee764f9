import type { Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readEntry, readPlatform, readPlatforms, readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { wholeOf } from '../content/kinds.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { addVariant } from '../encryption/add-variant.ts'
import { chooseCapgoKey, withCapgoKey, type CapgoKeyOptions } from '../encryption/choose-capgo-key.ts'
import { UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findNamedRelease } from '../release/find-release.ts'
import { packSame, type LocalBytesOptions } from '../release/local-bytes.ts'
import { findPlace } from '../release/release-wishes.ts'
import { choosePlatform, choosePlatforms } from '../release/several-platforms.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

interface OneOptions extends SessionOptions {
  platform?: Platform
}

interface AddOptions extends SessionOptions, CapgoKeyOptions, LocalBytesOptions {
  platform?: Platform[]
}

const ofPlatform = (command: Command) =>
  command.option('--platform <platform>', 'the only one of hotpatch.json when absent', readPlatform)

export function addVariantCommands(program: Command, context: CliContext) {
  const variants = program.command('variants').description('releases as their publisher has encrypted them')

  serverCommand(variants, 'list', 'lists what was encrypted of a release', withApp, ofPlatform)
    .argument('<version>', 'of the release', readVersion)
    .action((version: string, options: OneOptions) => listVariants(context, version, options))

  serverCommand(variants, 'add', 'encrypts a release that lies here still', withApp, withYes, withCapgoKey)
    .argument('<version>', 'of the release', readVersion)
    .option('--platform <platforms>', 'one, or several; all of hotpatch.json when absent', readPlatforms)
    .option('--bundle-dir <folder>', 'what was published; webDir of a Capacitor app when absent')
    .option('--bundle <zip>', 'the zip that was published')
    .option('--entry <file>', 'what a web app starts with; index.html when absent', readEntry)
    .option('--source-maps', 'source maps were published, too')
    .action((version: string, options: AddOptions) => addVariants(context, version, options))

  serverCommand(variants, 'remove', 'removes what was encrypted for a key', withApp, withYes, ofPlatform)
    .argument('<version>', 'of the release', readVersion)
    .argument('<key-id>', 'see variants list')
    .action((version: string, keyId: string, options: OneOptions) => removeVariant(context, version, keyId, options))
}

async function findOne(session: Session, version: string, { platform }: OneOptions) {
  const app = await session.chooseApp()
  const wanted = { version, platform: choosePlatform(platform, session.project) }
  return { app, release: await findNamedRelease(session.api, app, wanted) }
}

async function listVariants(context: CliContext, version: string, options: OneOptions) {
  const session = await openSession(context, options)
  const { app, release } = await findOne(session, version, options)
  const { items } = await session.api.listReleaseVariants(app.id, release.id)
  session.output.page({ items, nextCursor: null }, ['keyId', 'algorithm', 'fileCount', 'sizeBytes', 'createdAt'])
}

async function addVariants(context: CliContext, version: string, options: AddOptions) {
  const session = await openSession(context, options)
  const { api, output } = session
  const place = await findPlace(session)
  const key = await chooseCapgoKey(options, place)
  if (!key) throw new UsageError('Say which key encrypts it: --capgo-key .capgo_key_v2')
  const platforms = choosePlatforms(options.platform, session.project)
  session.requireConsent()
  const app = await session.chooseApp()
  const releases: Release[] = []
  for (const platform of platforms) releases.push(await findNamedRelease(api, app, { version, platform }))
  await session.confirm(`Encrypt ${version} for ${formatList(platforms)} with the key ${key.keyId}?`)
  const added = await withTemporary(context, async (temporary) => {
    const made = []
    for (const release of releases) {
      const { bytes, directory } = await packSame(session, release, { options, place, temporary })
      made.push(await addVariant(session, { app, release, zip: wholeOf(bytes) }, key, directory))
    }
    return made
  })
  output.result(added.length === 1 ? added[0] : { variants: added }, () => {
    for (const { sessionKey: _, checksum: __, ...variant } of added) output.fields(variant)
  })
}

async function removeVariant(context: CliContext, version: string, keyId: string, options: OneOptions) {
  const session = await openSession(context, options)
  const { api, output } = session
  const { app, release } = await findOne(session, version, options)
  const { items } = await api.listReleaseVariants(app.id, release.id)
  const variant = items.find((each) => each.keyId === keyId || each.id === keyId)
  if (!variant) {
    const known = items.length === 0 ? 'none' : formatList(items.map((each) => each.keyId))
    throw new UsageError(`Expected a key that ${version} is encrypted for, found "${keyId}". There are: ${known}.`)
  }
  await session.confirm(
    `Remove ${version} as it is encrypted for ${keyId}? Devices with that key are offered it no more.`,
  )
  const removed = await api.removeReleaseVariant(app.id, release.id, variant.id)
  output.result(removed, () => output.fields({ id: removed.id, keyId: removed.keyId }))
}
