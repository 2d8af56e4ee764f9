import type { PreviewedFile, RolloutPreview } from '@hotpatch/api'
import { given } from '../arguments/given.ts'
import type { StatedContent } from '../content/content-kind.ts'
import type { ReleaseAnswers } from '../expo-signing/release-answers.ts'
import type { SigningChoice } from '../signing/choose-key.ts'
import type { ReleaseWishes } from './release-plan.ts'

interface PreviewedRelease {
  stated: StatedContent
  answers: ReleaseAnswers
  signing: SigningChoice
}

/** What is asked beforehand: whom it would reach, by all that clients judge a release by. */
export function previewOf(
  { platform, channel, percentage, requirement, version, ...wishes }: ReleaseWishes,
  { stated: { content }, answers, signing }: PreviewedRelease,
): RolloutPreview {
  const { rules, devices, cohorts } = wishes
  const { minNativeVersion, nativeRange, runtimeVersion } = requirement
  return {
    platform,
    channel,
    percentage,
    kind: content.kind,
    version,
    ...given({ minNativeVersion, nativeRange, runtimeVersion, files: filesOf(content) }),
    ...(answers.isOfExpo && { exportedBy: 'expo' as const }),
    ...(answers.plan && { answerKeyIds: [answers.plan.signer.key.keyId] }),
    ...given({ rules, devices, cohorts }),
    ...(signing.kind === 'signed' && { keyId: signing.key.fingerprint }),
  }
}

/** Of a kit those of the components that no machine takes it without. */
function filesOf(content: StatedContent['content']): PreviewedFile[] | undefined {
  switch (content.kind) {
    case 'archive':
    case 'files':
      return undefined
    case 'binary':
      return content.files.map(({ platform, architecture, format }) => ({ platform, architecture, format }))
    case 'kit': {
      const needed = content.components.filter(({ isOptional }) => !isOptional && !content.allowsPartial)
      return needed.flatMap(({ id, files }) =>
        files.map(({ platform, architecture }) => ({ component: id, platform, architecture })),
      )
    }
  }
}
