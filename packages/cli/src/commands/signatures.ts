import type { Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { readPlatforms, readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { wholeOf } from '../content/kinds.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findNamedRelease, findOneRelease, ofOneRelease, type OneReleaseOptions } from '../release/find-release.ts'
import { packSame, withLocalBytes, type LocalBytesOptions } from '../release/local-bytes.ts'
import { findPlace } from '../release/release-wishes.ts'
import { choosePlatforms } from '../release/several-platforms.ts'
import { openSession, type SessionOptions } from '../session/session.ts'
import { addRsaSignatures, RSA_SCHEME } from '../signing/add-rsa-signature.ts'
import { chooseRsaKey, withRsaKey, type RsaKeyOptions } from '../signing/choose-rsa-key.ts'

interface AddOptions extends SessionOptions, RsaKeyOptions, LocalBytesOptions {
  platform?: Platform[]
}

export function addSignatureCommands(program: Command, context: CliContext) {
  const signatures = program.command('signatures').description('what is signed of releases for clients of others')

  serverCommand(signatures, 'list', 'lists such signatures of a release', withApp, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .action((version: string, options: OneReleaseOptions) => listSignatures(context, version, options))

  serverCommand(signatures, 'add', 'signs a release that lies here still', withApp, withYes, withRsaKey, withLocalBytes)
    .argument('<version>', 'of the release', readVersion)
    .option('--platform <platforms>', 'one, or several; all of hotpatch.json when absent', readPlatforms)
    .action((version: string, options: AddOptions) => addSignatures(context, version, options))

  serverCommand(signatures, 'remove', 'removes such signatures of a release', withApp, withYes, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .action((version: string, options: OneReleaseOptions) => removeSignatures(context, version, options))
}

async function listSignatures(context: CliContext, version: string, options: OneReleaseOptions) {
  const session = await openSession(context, options)
  const { release } = await findOneRelease(session, version, options)
  session.output.page({ items: release.signatures ?? [], nextCursor: null }, ['scheme', 'keyId', 'subject', 'value'])
}

async function addSignatures(context: CliContext, version: string, options: AddOptions) {
  const session = await openSession(context, options)
  const { api, output } = session
  const place = await findPlace(session)
  const platforms = choosePlatforms(options.platform, session.project)
  session.requireConsent()
  const app = await session.chooseApp()
  const key = await chooseRsaKey(session, app, options)
  if (!key) throw new UsageError('Say which key signs it: --rsa-key private.pem')
  const releases: Release[] = []
  for (const platform of platforms) releases.push(await findNamedRelease(api, app, { version, platform }))
  await session.confirm(`Sign ${version} for ${formatList(platforms)} with the RSA key ${key.keyId}?`)
  const added = await withTemporary(context, async (temporary) => {
    const made = []
    for (const release of releases) {
      const { bytes, directory } = await packSame(session, release, { options, place, temporary })
      made.push(await addRsaSignatures(session, { app, release, zip: wholeOf(bytes) }, key, directory))
    }
    return made
  })
  output.result(added.length === 1 ? added[0] : { signatures: added }, () => {
    for (const signature of added) output.fields(signature)
  })
}

async function removeSignatures(context: CliContext, version: string, options: OneReleaseOptions) {
  const session = await openSession(context, options)
  const { api, output, confirm } = session
  const { app, release } = await findOneRelease(session, version, options)
  const found = (release.signatures ?? []).filter(({ scheme }) => scheme === RSA_SCHEME)
  if (found.length === 0)
    return output.result({ removed: [] }, () => output.notice(`${version} has no such signature.`))
  await confirm(
    `Remove ${found.length} RSA signature(s) of ${version}? Devices that verify them are offered it no more.`,
  )
  await api.removeSignatures(app.id, release.id, RSA_SCHEME)
  output.result({ removed: found }, () => output.notice('Removed.'))
}
