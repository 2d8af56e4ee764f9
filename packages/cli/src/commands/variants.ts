import type { Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readPlatforms, readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { wholeOf } from '../content/kinds.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { addVariant } from '../encryption/add-variant.ts'
import { chooseCapgoKey, withCapgoKey, type CapgoKeyOptions } from '../encryption/choose-capgo-key.ts'
import { UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findNamedRelease, findOneRelease, ofOneRelease, type OneReleaseOptions } from '../release/find-release.ts'
import { packSame, withLocalBytes, type LocalBytesOptions } from '../release/local-bytes.ts'
import { findPlace } from '../release/release-wishes.ts'
import { choosePlatforms } from '../release/several-platforms.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface AddOptions extends SessionOptions, CapgoKeyOptions, LocalBytesOptions {
  platform?: Platform[]
}

export function addVariantCommands(program: Command, context: CliContext) {
  const variants = program.command('variants').description('releases as their publisher has encrypted them')

  serverCommand(variants, 'list', 'lists what was encrypted of a release', withApp, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .action((version: string, options: OneReleaseOptions) => listVariants(context, version, options))

  serverCommand(
    variants,
    'add',
    'encrypts a release that lies here still',
    withApp,
    withYes,
    withCapgoKey,
    withLocalBytes,
  )
    .argument('<version>', 'of the release', readVersion)
    .option('--platform <platforms>', 'one, or several; all of hotpatch.json when absent', readPlatforms)
    .action((version: string, options: AddOptions) => addVariants(context, version, options))

  serverCommand(variants, 'remove', 'removes what was encrypted for a key', withApp, withYes, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .argument('<key-id>', 'see variants list')
    .action((version: string, keyId: string, options: OneReleaseOptions) =>
      removeVariant(context, version, keyId, options),
    )
}

async function listVariants(context: CliContext, version: string, options: OneReleaseOptions) {
  const session = await openSession(context, options)
  const { app, release } = await findOneRelease(session, version, options)
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

async function removeVariant(context: CliContext, version: string, keyId: string, options: OneReleaseOptions) {
  const session = await openSession(context, options)
  const { api, output } = session
  const { app, release } = await findOneRelease(session, version, options)
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
