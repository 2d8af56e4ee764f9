import type { App, Release, Rollout } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Session } from '../session.ts'
import type { SigningChoice } from './choose-key.ts'
import { signStatement, withNextSequence, type SignedStatement, type StatementContent } from './sign-statement.ts'

/** Only a release brings a first key along. Until then nobody can verify what is stated again, and nobody asks for it. */
export function canBeVerified(app: App, signing: SigningChoice): SigningChoice {
  if (signing.kind === 'unsigned' || !signing.isFirst) return signing
  return { kind: 'unsigned', reason: `${app.slug} has no signing key yet` }
}

/** Places what was published before, stated again under the next sequence if it can be signed. */
export function placeAgain(
  { api, context }: Session,
  { app, platform, release }: { app: App; platform: Platform; release: Release | undefined },
  signing: SigningChoice,
  place: (signed: Partial<SignedStatement>) => Promise<Rollout>,
): Promise<Rollout> {
  if (signing.kind === 'unsigned') return place({})
  return withNextSequence(api, { appId: app.id, platform }, (sequence) => {
    const createdAt = context.now().toISOString()
    return place(signStatement(signing.key, { ...restate(app, platform, release), sequence, createdAt }))
  })
}

/** Signing §1: the same content, or the binary's own, stated again. */
function restate(app: App, platform: Platform, release: Release | undefined): StatementContent {
  const common = { appId: app.id, platform }
  if (!release) {
    return { ...common, target: 'embedded', version: 'embedded', floor: 0, requirement: {}, artifacts: [] }
  }
  const { version, floor, requirement, sha256, sizeBytes } = release
  const artifacts = [{ name: 'bundle.zip', sha256, sizeBytes }]
  return { ...common, target: 'release', version, floor, requirement, artifacts }
}
