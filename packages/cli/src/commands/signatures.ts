import { resolve } from 'node:path'
import { SignatureSchemeName, type AddedSignature } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { UsageError } from '../errors/errors.ts'
import { formatCount } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findOneRelease, ofOneRelease, type OneReleaseOptions } from '../release/find-release.ts'
import { addToEachRelease, ofEachRelease, type ForEachOptions } from '../release/for-each-release.ts'
import { choosePlatform } from '../release/several-platforms.ts'
import { openSession } from '../session/session.ts'
import { addRsaSignatures, RSA_SCHEME } from '../signing/add-rsa-signature.ts'
import { addFileSignatures } from '../signing/file-signatures.ts'
import { nameMinisign, nameSparkle } from '../signing/name-file-signatures.ts'
import { chooseRsaKey, withRsaKey, type RsaKeyOptions } from '../signing/choose-rsa-key.ts'

interface AddOptions extends ForEachOptions, RsaKeyOptions {
  minisign?: string[]
  sparkle?: string[]
}

interface RemoveOptions extends OneReleaseOptions {
  scheme: AddedSignature['scheme']
}

const SCHEMES = SignatureSchemeName.anyOf.map((scheme) => scheme.const)

export function addSignatureCommands(program: Command, context: CliContext) {
  const signatures = program.command('signatures').description('what is signed of releases for clients of others')

  serverCommand(signatures, 'list', 'lists such signatures of a release', withApp, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .action((version: string, options: OneReleaseOptions) => listSignatures(context, version, options))

  serverCommand(signatures, 'add', 'signs a release that lies here still', withApp, withYes, withRsaKey, ofEachRelease)
    .option('--minisign <files...>', 'what minisign or Tauri signed of it: the .sig of each file')
    .option(
      '--sparkle <signatures...>',
      'what sign_update printed of each file: \'sparkle:edSignature="…" length="…"\'',
    )
    .action((version: string, options: AddOptions) => addSignatures(context, version, options))

  serverCommand(signatures, 'remove', 'removes such signatures of a release', withApp, withYes, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .addOption(new Option('--scheme <scheme>', 'of one kind').choices(SCHEMES).default(RSA_SCHEME))
    .action((version: string, options: RemoveOptions) => removeSignatures(context, version, options))
}

async function listSignatures(context: CliContext, version: string, options: OneReleaseOptions) {
  const session = await openSession(context, options)
  const { release } = await findOneRelease(session, version, options)
  session.output.page({ items: release.signatures ?? [], nextCursor: null }, ['scheme', 'keyId', 'subject', 'value'])
}

async function addSignatures(context: CliContext, version: string, options: AddOptions) {
  if (options.minisign ?? options.sparkle) return addForFiles(context, version, options)
  const { session, result, added } = await addToEachRelease(context, version, options, {
    name: 'signatures',
    chooseKey: async (session, app) => {
      const key = await chooseRsaKey(session, app, options)
      if (key) return key
      throw new UsageError('Say which key signs it, --rsa-key private.pem, or what was signed: --minisign FILE.sig')
    },
    question: ({ keyId }, platforms) => `Sign ${version} for ${platforms} with the RSA key ${keyId}?`,
    add: (session, { directory, ...held }, key) => addRsaSignatures(session, held, key, directory),
  })
  session.output.result(result, () => {
    for (const signature of added) session.output.fields(signature)
  })
}

/** What others' tools have signed: the server holds it against what it stores. */
async function addForFiles(context: CliContext, version: string, { platform: named, ...options }: AddOptions) {
  const { minisign = [], sparkle = [], rsaKey } = options
  const [first, another] = named ?? []
  if (another !== undefined || rsaKey !== undefined) {
    throw new UsageError('Signatures of files are for one platform, and not beside --rsa-key: name one of them.')
  }
  const session = await openSession(context, options)
  session.requireConsent()
  const platform = choosePlatform(first, session.project)
  const found = await findOneRelease(session, version, { ...options, platform })
  const signatures = [
    ...(minisign.length > 0
      ? await nameMinisign(
          session,
          found,
          minisign.map((file) => resolve(context.cwd, file)),
        )
      : []),
    ...(sparkle.length > 0 ? await nameSparkle(session, found, sparkle) : []),
  ]
  await session.confirm(`Add ${formatCount(signatures.length, 'signature')} to ${version} for ${platform}?`)
  const items = await addFileSignatures(session, { app: found.app, releaseId: found.release.id }, signatures)
  session.output.result({ signatures: items }, () => session.output.notice('Added: they fit the bytes that lie there.'))
}

async function removeSignatures(context: CliContext, version: string, options: RemoveOptions) {
  const session = await openSession(context, options)
  const { api, output, confirm } = session
  const { app, release } = await findOneRelease(session, version, options)
  const found = (release.signatures ?? []).filter(({ scheme }) => scheme === options.scheme)
  if (found.length === 0)
    return output.result({ removed: [] }, () => output.notice(`${version} has no such signature.`))
  await confirm(
    `Remove ${found.length} signature(s) of ${version} (${options.scheme})? Devices that verify them are offered it no more.`,
  )
  await api.removeSignatures(app.id, release.id, options.scheme)
  output.result({ removed: found }, () => output.notice('Removed.'))
}
