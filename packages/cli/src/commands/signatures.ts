import type { Command } from 'commander'
import { readVersion } from '../arguments/readers.ts'
import { serverCommand, withApp, withYes } from '../arguments/shared-options.ts'
import { UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { findOneRelease, ofOneRelease, type OneReleaseOptions } from '../release/find-release.ts'
import { addToEachRelease, ofEachRelease, type ForEachOptions } from '../release/for-each-release.ts'
import { openSession } from '../session/session.ts'
import { addRsaSignatures, RSA_SCHEME } from '../signing/add-rsa-signature.ts'
import { chooseRsaKey, withRsaKey, type RsaKeyOptions } from '../signing/choose-rsa-key.ts'

export function addSignatureCommands(program: Command, context: CliContext) {
  const signatures = program.command('signatures').description('what is signed of releases for clients of others')

  serverCommand(signatures, 'list', 'lists such signatures of a release', withApp, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .action((version: string, options: OneReleaseOptions) => listSignatures(context, version, options))

  serverCommand(
    signatures,
    'add',
    'signs a release that lies here still',
    withApp,
    withYes,
    withRsaKey,
    ofEachRelease,
  ).action((version: string, options: ForEachOptions & RsaKeyOptions) => addSignatures(context, version, options))

  serverCommand(signatures, 'remove', 'removes such signatures of a release', withApp, withYes, ofOneRelease)
    .argument('<version>', 'of the release', readVersion)
    .action((version: string, options: OneReleaseOptions) => removeSignatures(context, version, options))
}

async function listSignatures(context: CliContext, version: string, options: OneReleaseOptions) {
  const session = await openSession(context, options)
  const { release } = await findOneRelease(session, version, options)
  session.output.page({ items: release.signatures ?? [], nextCursor: null }, ['scheme', 'keyId', 'subject', 'value'])
}

async function addSignatures(context: CliContext, version: string, options: ForEachOptions & RsaKeyOptions) {
  const { session, result, added } = await addToEachRelease(context, version, options, {
    name: 'signatures',
    chooseKey: async (session, app) => {
      const key = await chooseRsaKey(session, app, options)
      if (key) return key
      throw new UsageError('Say which key signs it: --rsa-key private.pem')
    },
    question: ({ keyId }, platforms) => `Sign ${version} for ${platforms} with the RSA key ${keyId}?`,
    add: (session, { directory, ...held }, key) => addRsaSignatures(session, held, key, directory),
  })
  session.output.result(result, () => {
    for (const signature of added) session.output.fields(signature)
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
