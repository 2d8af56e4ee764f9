import type { Explanation } from '@hotpatch/api'
import { timestamp } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { findCertificateEnd } from '../../shipping/signed-answers/signed-answer-queries.ts'

/** Expo §11: the client looks at the clock with every answer, refuses what is signed, and says nothing of it. */
export async function findExpiredCertificate(
  db: Connection,
  appId: string,
  keyId: string | undefined,
  now: number,
): Promise<Explanation['notices']> {
  const end = keyId === undefined ? undefined : await findCertificateEnd(db, appId, keyId)
  if (end === undefined || now <= end) return []
  const explanation = `The app on the device takes only what the key "${keyId}" has signed, whose certificate expired ${timestamp(end)}: Expo's client refuses all of it. Make a new certificate with another key id, and build the app with it.`
  return [{ kind: 'certificate-expired', explanation }]
}
