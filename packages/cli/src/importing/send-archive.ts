import type { App, NewRelease, PublishedRelease } from '@hotpatch/api'
import type { MeasuredFile } from '../content/archive/write-measured.ts'
import type { Session } from '../session/session.ts'
import { createReleaseForm } from '../upload/release-form.ts'
import { persistently } from '../upload/retry.ts'
import { sendContent } from '../upload/send-content.ts'

/** A zip as it is, which another server had released already: what devices can run was found out there. */
export async function publishArchive(
  session: Session,
  app: App,
  { path, sha256, sizeBytes }: MeasuredFile,
  metadata: Omit<NewRelease, 'content'>,
): Promise<PublishedRelease> {
  await sendContent(session, app, [{ kind: 'archive', path, sha256, sizeBytes, contentType: 'application/zip' }])
  const content = { kind: 'archive' as const, sha256, sizeBytes }
  // The same form each time: the server gives it the same answer.
  return persistently(session, () =>
    session.api.publishRelease(app.id, createReleaseForm({ ...metadata, content }, undefined)),
  )
}
