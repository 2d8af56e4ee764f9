import { join } from 'node:path'
import type { App, Release } from '@hotpatch/api'
import { ARCHIVE_NAME } from '@hotpatch/protocol'
import type { HermesBase } from '../content/archive/hermes-base.ts'
import { bundleNameOf } from '../content/archive/build-bundle.ts'
import { unpackZip } from '../content/archive/unpack-zip.ts'
import { fetchArtifact } from '../download/fetch-artifact.ts'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import type { SigningChoice } from '../signing/choose-key.ts'
import { trustedKeys } from '../signing/signing-plan.ts'
import { verifyOldStatement } from '../signing/verify-statement.ts'

/** No bundle of bytecode is longer. */
const MAX_BYTES = 1024 ** 3

/**
 * What a release is compiled against. The compiler reads it, so of a signed app only what a key that is trusted here has
 * signed: not whatever a server says.
 * @throws CommandError when it cannot be had
 */
export async function fetchHermesBase(
  session: Session,
  app: App,
  release: Release,
  { signing, directory }: { signing: SigningChoice; directory: string },
): Promise<HermesBase> {
  const { context } = session
  const { sha256, sizeBytes } = archiveOf(session, app, release, signing)
  if (sizeBytes > MAX_BYTES) throw refusal(release, `${sizeBytes} bytes, more than ${MAX_BYTES}`)
  const path = join(directory, 'hermes-base.zip')
  await fetchArtifact(session, { sha256, sizeBytes }, path, (detail, options) => {
    const advice = 'Without --hermes-base it is compiled by itself.'
    return new CommandError('hermes-base-missing', `${detail} ${advice}`, options)
  })
  const { files } = await unpackZip(context, path, directory)
  const name = bundleNameOf(release.platform)
  const bundle = files.find((file) => file.name === name)
  if (!bundle) throw refusal(release, `no ${name} in it`)
  return { version: release.version, path: bundle.path }
}

function archiveOf(session: Session, app: App, release: Release, signing: SigningChoice) {
  const { content, platform, version } = release
  if (content.kind !== 'archive') throw refusal(release, `content of the kind ${content.kind}`)
  if (signing.kind === 'unsigned') return content
  const wish = { appId: app.id, platform, version }
  const { statement } = verifyOldStatement(release, wish, trustedKeys(session, app, signing.key))
  const archive = statement.artifacts.find(({ name }) => name === ARCHIVE_NAME)
  if (!archive) throw refusal(release, 'that it is encrypted')
  return archive
}

function refusal({ version, platform }: Release, found: string): CommandError {
  const expected = `Expected ${version} for ${platform} to have the bytecode that --hermes-base compiles against`
  return new CommandError('hermes-base-missing', `${expected}, found ${found}. Name another version, or leave it out.`)
}
