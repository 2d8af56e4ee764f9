import { REASON_SENTENCES } from '@hotpatch/api'
import {
  laterThanTold,
  pickAnswer,
  readExpoDirective,
  readExpoUpdateId,
  writeDictionary,
  writeExpoDirective,
  writeExpoTime,
  type ExpoIdentity,
} from '@hotpatch/protocol'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedAnswer } from '../../shipping/signed-answers/signed-answer-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { manifestAnswer, nothingAnswer, partsAnswer, refusal, writeParts } from './answers.ts'
import { assetsUrl } from './assets.ts'
import { protocolVersion, readSentBackAt, SENT_BACK_AT } from './read-update-check.ts'
import { writeBody, type Placing } from './write-manifest.ts'

/** Expo §3. */
export function renderDecision(answer: UpdateAnswer, request: PlainRequest): PlainAnswer {
  const { decision, offeredAt, signedAnswer, device } = answer
  const version = protocolVersion(request)
  const at = signedAnswer?.at ?? laterThanTold(offeredAt ?? 0, device.heldAt)
  switch (decision.kind) {
    case 'update': {
      const { release, rollout } = decision
      const placed = signedAnswer ? { at, place: '' } : { at, place: rollout.id }
      const body = writeBody(release, placingOf(release, placed, answer, request), version, signedAnswer)
      return version === 1
        ? partsAnswer(body, keptBy(request))
        : manifestAnswer(body, version, signedAnswer, keptBy(request))
    }
    case 'embedded':
      if (version === 0) throw new Error('An answer was stopped that version 0 of Expo §1 has no word for: embedded.')
      return sendBack(at, signedAnswer)
    case 'native-update-required':
    case 'up-to-date':
      return version === 1 ? nothingAnswer(keptBy(request)) : renderSame(answer, request)
  }
}

function sendBack(at: number, signedAnswer: OfferedAnswer | undefined): PlainAnswer {
  const commitTime = writeExpoTime(at)
  const body = writeExpoDirective({ type: 'rollBackToEmbedded', parameters: { commitTime } })
  readExpoDirective(body)
  const kept = writeDictionary({ [SENT_BACK_AT]: commitTime })
  return partsAnswer(writeParts({ name: 'directive', body }, signedAnswer), kept)
}

/** Expo §12: what is ours stays, and what another server told it to send goes. */
function keptBy(request: PlainRequest): string {
  const sentBackAt = readSentBackAt(request)
  return sentBackAt === undefined ? '' : writeDictionary({ [SENT_BACK_AT]: writeExpoTime(sentBackAt) })
}

/** Expo §1: in version 0 there is no word for "nothing new" but what the device runs. */
function renderSame(answer: UpdateAnswer, request: PlainRequest): PlainAnswer {
  const { running, decision } = answer
  const current = currentOf(request)
  if (!running?.held.files || !current) return refusal(decision.reason, REASON_SENTENCES[decision.reason], 404)
  const { at, id } = current
  const keyId = answer.device.takes?.answersSignedBy
  const { runtimeVersion } = answer.device
  const taker = { heldAt: at - 1, runtimeVersion }
  const picked = keyId === undefined ? undefined : pickAnswer(running.answers, keyId, taker)
  const signedAnswer = picked?.at === at ? picked : undefined
  if (keyId !== undefined && !signedAnswer) return refusal(decision.reason, REASON_SENTENCES[decision.reason], 404)
  const placed = { at, place: '' }
  const placing = { ...placingOf(running, placed, { ...answer, signedAnswer }, request), id }
  return manifestAnswer(writeBody(running, placing, 0, signedAnswer), 0, signedAnswer, keptBy(request))
}

function placingOf(
  { requirement }: OfferedRelease,
  placed: Pick<Placing, 'at' | 'place'>,
  { device, signedAnswer }: UpdateAnswer,
  request: PlainRequest,
): Placing {
  // A client starts only what is of its own runtime version.
  const runtimeVersion = requirement.runtimeVersion ?? device.runtimeVersion ?? ''
  return { ...placed, runtimeVersion, assetsUrl: signedAnswer?.assetsUrl ?? assetsUrl(request) }
}

function currentOf(request: PlainRequest): (ExpoIdentity & { id: string }) | undefined {
  const id = request.header('expo-current-update-id')?.toLowerCase() ?? ''
  const identity = readExpoUpdateId(id)
  return identity && { ...identity, id }
}
