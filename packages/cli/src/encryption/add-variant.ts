import { join } from 'node:path'
import type { App, Release, ReleaseVariant } from '@hotpatch/api'
import { formatBytes, formatCount } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { persistently } from '../upload/retry.ts'
import type { CapgoKey } from './capgo-key.ts'
import { formOf, makeVariant, sizeOf } from './make-variant.ts'

/**
 * Encrypts a release and brings it to the server, once for each key: one that is there is left as it is, so that what
 * was interrupted can be done again.
 */
export async function addVariant(
  session: Session,
  { app, release, zip }: { app: App; release: Pick<Release, 'id'>; zip: { path: string; sha256: string } },
  key: CapgoKey,
  directory: string,
): Promise<ReleaseVariant> {
  const { api, context, output } = session
  const there = (await api.listReleaseVariants(app.id, release.id)).items.find(({ keyId }) => keyId === key.keyId)
  if (there) {
    output.notice(`It is encrypted for the key ${key.keyId} already.`)
    return there
  }
  const made = await makeVariant(context, zip, key, join(directory, 'encrypting'))
  output.notice(`Uploading it encrypted, ${formatBytes(await sizeOf(made))}.`)
  const form = await formOf(made)
  const variant = await persistently(session, () => api.addReleaseVariant(app.id, release.id, form))
  const parts =
    variant.fileCount > 0 ? `whole, and ${formatCount(variant.fileCount, 'file')} each by itself` : 'as a whole only'
  output.notice(`Encrypted for the key ${key.keyId}: ${parts}.`)
  return variant
}
