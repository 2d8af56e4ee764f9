import type { Explanation } from '@hotpatch/api'
import type { DeviceAttributes, Platform } from '@hotpatch/protocol'
import { timestamp } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { findBuiltAt } from '../../shipping/embedded-updates/embedded-update-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'

/** Expo §6: the client starts nothing that is older than its binary, and says nothing of it. */
export async function findOlderThanEmbedded(
  db: Database,
  { decision, offeredAt, signedAnswer }: UpdateAnswer,
  { appId, platform, told }: { appId: string; platform: Platform; told: DeviceAttributes | undefined },
): Promise<Explanation['notices']> {
  const id = told?.embeddedUpdateId
  const time = signedAnswer?.at ?? offeredAt
  if (decision.kind !== 'update' || time === null || id === undefined) return []
  const builtAt = await findBuiltAt(db, appId, { platform, id })
  if (builtAt === undefined || builtAt < time) return []
  const offered = `${decision.release.version} is of ${timestamp(time)}`
  const explanation = `The binary on the device was built ${timestamp(builtAt)}, and ${offered}: Expo's client starts nothing that is older than its binary. Place the release again: hotpatch rollback --version ${decision.release.version}.`
  return [{ kind: 'older-than-embedded', explanation }]
}
