import type { App } from '@hotpatch/api'
import type { ContentUpload } from '../content/content-kind.ts'
import type { Session } from '../session/session.ts'

/** Whether the app has these bytes: of single files it is told only what is missing. */
export async function isThere({ api }: Session, app: App, upload: ContentUpload): Promise<boolean> {
  const { kind, sha256, sizeBytes } = upload
  if (kind !== 'asset') return (await api.findArtifact(app.id, sha256, kind)) !== undefined
  const { missing } = await api.listMissingFiles(app.id, [{ sha256, sizeBytes }])
  return missing.length === 0
}
