import type { Command } from 'commander'
import { readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { addVariant } from '../encryption/add-variant.ts'
import { chooseCapgoKey, withCapgoKey, type CapgoKeyOptions } from '../encryption/choose-capgo-key.ts'
import { UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findOneRelease, ofOneRelease, type OneReleaseOptions } from '../release/find-release.ts'
import { addToEachRelease, ofEachRelease, type ForEachOptions } from '../release/for-each-release.ts'
import { openSession } from '../session/session.ts'

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
    ofEachRelease,
  ).action((version: string, options: ForEachOptions & CapgoKeyOptions) => addVariants(context, version, options))

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

async function addVariants(context: CliContext, version: string, options: ForEachOptions & CapgoKeyOptions) {
  const { session, result, added } = await addToEachRelease(context, version, options, {
    name: 'variants',
    chooseKey: async (_session, _app, place) => {
      const key = await chooseCapgoKey(options, place)
      if (key) return key
      throw new UsageError('Say which key encrypts it: --capgo-key .capgo_key_v2')
    },
    question: ({ keyId }, platforms) => `Encrypt ${version} for ${platforms} with the key ${keyId}?`,
    add: (session, { directory, ...held }, key) => addVariant(session, held, key, directory),
  })
  session.output.result(result, () => {
    for (const { sessionKey: _, checksum: __, ...variant } of added) session.output.fields(variant)
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
