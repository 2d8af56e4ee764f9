import type { PublishedRelease, ReleaseSignatures } from '@hotpatch/api'
import { createProgress, type Progress } from '../output/progress.ts'
import type { Session } from '../session.ts'
import { signDigest, type SignedStatement } from '../signing/sign-statement.ts'
import { carryOutSigning, type SigningPlan } from '../signing/signing-plan.ts'
import { createReleaseForm } from '../upload/release-form.ts'
import { metadataOf, type ReleasePlan } from './release-plan.ts'

/** Carries out a plan: signs when it says so, and uploads. */
export async function publishRelease(session: Session, plan: ReleasePlan): Promise<PublishedRelease> {
  const { api, context } = session
  const { app, signing, bundle } = plan
  if (signing.kind === 'unsigned') return upload(undefined)
  return carryOutSigning(session, app, signing, ([own, ...prepared]) => upload(own && signaturesOf(own, prepared)))

  /** With what is signed in advance: what devices accept after this release, they accept from nobody else. */
  function signaturesOf(own: SignedStatement, [nearest, earlier]: SignedStatement[]): ReleaseSignatures {
    const { key } = signing as SigningPlan
    return {
      signature: signDigest(key, bundle.zip.sha256),
      ...own,
      ...(nearest && {
        rollbackStatement: nearest.statement,
        rollbackStatementSignature: nearest.statementSignature,
      }),
      ...(earlier && {
        earlierRollbackStatement: earlier.statement,
        earlierRollbackStatementSignature: earlier.statementSignature,
      }),
      publicKey: key.publicKey,
    }
  }

  async function upload(signatures: ReleaseSignatures | undefined) {
    let progress: Progress | undefined
    const form = createReleaseForm({
      metadata: metadataOf(plan),
      signatures,
      bundle: bundle.zip,
      onProgress: (sentBytes) => progress?.advanceTo(sentBytes),
    })
    progress = createProgress(context, 'Uploading', form.sizeBytes)
    try {
      return await api.publishRelease(app.id, form)
    } finally {
      progress.stop()
    }
  }
}
