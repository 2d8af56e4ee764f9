import type { ManagementClient, PublishedRelease, ReleaseSignatures } from '@hotpatch/api'
import type { CliContext } from '../context.ts'
import { createProgress, type Progress } from '../output/progress.ts'
import type { SigningKeyPair } from '../signing/signing-key.ts'
import { restate } from '../signing/restate.ts'
import { signDigest, signStatement, withNextSequence } from '../signing/sign-statement.ts'
import { createReleaseForm } from '../upload/release-form.ts'
import { metadataOf, statementOf, type ReleasePlan } from './release-plan.ts'

/** Carries out a plan: signs when it says so, and uploads. */
export async function publishRelease(
  context: CliContext,
  api: ManagementClient,
  plan: ReleasePlan,
): Promise<PublishedRelease> {
  const { app, signing, bundle, backTo } = plan
  if (signing.kind === 'unsigned') return upload(undefined)
  return withNextSequence(api, statementOf(plan), (sequence) => upload(signaturesOf(signing.key, sequence)))

  function signaturesOf(key: SigningKeyPair, sequence: number): ReleaseSignatures {
    const createdAt = context.now().toISOString()
    // The next sequence is taken with it: what devices accept after this release, they accept from nobody else.
    const back = backTo && {
      ...restate(app, plan.platform, backTo),
      sequence: sequence + 1,
      createdAt,
    }
    const prepared = back && signStatement(key, back)
    return {
      signature: signDigest(key, bundle.zip.sha256),
      ...signStatement(key, { ...statementOf(plan), sequence, createdAt }),
      ...(prepared && {
        rollbackStatement: prepared.statement,
        rollbackStatementSignature: prepared.statementSignature,
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
