import type { App, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { KeyOptions } from '../arguments/shared-options.ts'
import type { Session } from '../session.ts'
import { chooseKey, type SigningChoice } from './choose-key.ts'
import { signStatement, withNextSequence, type SignedStatement, type StatementContent } from './sign-statement.ts'

/** Only a release brings a first key along. Until then nobody can verify what is stated again, and nobody asks for it. */
export function canBeVerified(app: App, signing: SigningChoice): SigningChoice {
  if (signing.kind === 'unsigned' || !signing.isFirst) return signing
  return { kind: 'unsigned', reason: `${app.slug} has no signing key yet` }
}

/**
 * Places a release that exists. Devices refuse what is older than they have seen, unless the publisher states it again.
 */
export async function placeExisting<Placed>(
  session: Session,
  release: Release,
  options: KeyOptions,
  place: (signed: Partial<SignedStatement>) => Promise<Placed>,
): Promise<Placed> {
  const { api } = session
  const { appId, platform, sequence: stated } = release
  const app: App = await api.getApp(appId)
  const isNewest = (await api.getNextSequence(appId, platform)).nextSequence === stated + 1
  if (isNewest || app.signing === 'optional') return place({})
  const signing = canBeVerified(app, await chooseKey(session, app, options))
  return placeAgain(session, { app, platform, release }, signing, place)
}

/** Places what was published before, stated again under the next sequence if it can be signed. */
export function placeAgain<Placed>(
  { api, context }: Session,
  { app, platform, release }: { app: App; platform: Platform; release: Release | undefined },
  signing: SigningChoice,
  place: (signed: Partial<SignedStatement>) => Promise<Placed>,
): Promise<Placed> {
  if (signing.kind === 'unsigned') return place({})
  return withNextSequence(api, { appId: app.id, platform }, (sequence) => {
    const createdAt = context.now().toISOString()
    return place(signStatement(signing.key, { ...restate(app, platform, release), sequence, createdAt }))
  })
}

/** Signing §1: the same content, or the binary's own, stated again. */
export function restate(app: App, platform: Platform, release: Release | undefined): StatementContent {
  const common = { appId: app.id, platform }
  if (!release) {
    return { ...common, target: 'embedded', version: 'embedded', floor: 0, requirement: {}, artifacts: [] }
  }
  const { version, floor, requirement, sha256, sizeBytes } = release
  const artifacts = [{ name: 'bundle.zip', sha256, sizeBytes }]
  return { ...common, target: 'release', version, floor, requirement, artifacts }
}
