import type { PublishedRelease, ReleaseSignatures } from '@hotpatch/api'
import { digestOfZip } from '../content/kinds.ts'
import { sendAnswers } from '../expo-signing/answers-plan.ts'
import type { Session } from '../session/session.ts'
import { signDigest, type SignedStatement } from '../signing/sign-statement.ts'
import { carryOutSigning, type SigningPlan } from '../signing/signing-plan.ts'
import { createReleaseForm } from '../upload/release-form.ts'
import { persistently } from '../upload/retry.ts'
import { sendContent } from '../upload/send-content.ts'
import { metadataOf, type ReleasePlan } from './release-plan.ts'

/** Carries out a plan: brings the bytes, signs when it says so, and publishes. */
export async function publishRelease(session: Session, plan: ReleasePlan): Promise<PublishedRelease> {
  const { api } = session
  const { app, signing, bundle } = plan
  await sendContent(session, app, bundle.uploads)
  // Before: whoever takes nothing else is not to wait for it.
  if (plan.answers.plan) await sendAnswers(session, plan.answers.plan)
  if (signing.kind === 'unsigned') return publish(undefined)
  return carryOutSigning(session, app, signing, ([own, ...prepared]) => publish(own && signaturesOf(own, prepared)))

  /** With what is signed in advance: what devices accept after this release, they accept from nobody else. */
  function signaturesOf(own: SignedStatement, [nearest, earlier]: SignedStatement[]): ReleaseSignatures {
    const { key } = signing as SigningPlan
    const zip = digestOfZip(bundle)
    return {
      ...(zip !== undefined && { signature: signDigest(key, zip) }),
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

  /** The same form each time: the server gives it the same answer. */
  async function publish(signatures: ReleaseSignatures | undefined): Promise<PublishedRelease> {
    const metadata = metadataOf(plan)
    return persistently(session, () => api.publishRelease(app.id, createReleaseForm(metadata, signatures)))
  }
}
