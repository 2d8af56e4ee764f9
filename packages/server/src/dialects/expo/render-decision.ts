import { REASON_SENTENCES } from '@hotpatch/api'
import {
  laterThanTold,
  readExpoDirective,
  readExpoTime,
  readExpoUpdateId,
  writeDictionary,
  writeExpoDirective,
  writeExpoTime,
  type ExpoIdentity,
} from '@hotpatch/protocol'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { manifestAnswer, nothingAnswer, partsAnswer, refusal } from './answers.ts'
import { assetsUrl } from './assets.ts'
import { protocolVersion, readFailedIds } from './read-update-check.ts'
import { writeManifest, type Placing } from './write-manifest.ts'

/**
 * Expo §6: the client keeps it and sends it with each check from then on. What it went back to tells its own id, and not
 * the time that it got by going back.
 */
export const SENT_BACK_AT = 'hotpatch-sent-back-at'

/** Expo §3. */
export function renderDecision(answer: UpdateAnswer, request: PlainRequest): PlainAnswer {
  const { decision, offeredAt } = answer
  const version = protocolVersion(request)
  const at = laterThanTold(offeredAt ?? 0, toldTime(request))
  switch (decision.kind) {
    case 'update': {
      const { release, rollout } = decision
      const manifest = writeManifest(release, placingOf(release, { at, place: rollout.id }, answer, request))
      return version === 1 ? partsAnswer({ name: 'manifest', body: manifest }) : manifestAnswer(manifest, version)
    }
    case 'embedded':
      if (version === 0) throw new Error('An answer was stopped that version 0 of Expo §1 has no word for: embedded.')
      return sendBack(at)
    case 'native-update-required':
    case 'up-to-date':
      return version === 1 ? nothingAnswer() : renderSame(answer, request)
  }
}

function sendBack(at: number): PlainAnswer {
  const commitTime = writeExpoTime(at)
  const body = writeExpoDirective({ type: 'rollBackToEmbedded', parameters: { commitTime } })
  readExpoDirective(body)
  return partsAnswer({ name: 'directive', body }, [
    'expo-server-defined-headers',
    writeDictionary({ [SENT_BACK_AT]: commitTime }),
  ])
}

/** Expo §1: in version 0 there is no word for "nothing new" but what the device runs. */
function renderSame(answer: UpdateAnswer, request: PlainRequest): PlainAnswer {
  const { running, decision } = answer
  const current = currentOf(request)
  if (!running?.held.files || !current) return refusal(decision.reason, REASON_SENTENCES[decision.reason], 404)
  const { at, id } = current
  const manifest = writeManifest(running, { ...placingOf(running, { at, place: '' }, answer, request), id })
  return manifestAnswer(manifest, 0)
}

function placingOf(
  { requirement }: OfferedRelease,
  placed: Pick<Placing, 'at' | 'place'>,
  { device }: UpdateAnswer,
  request: PlainRequest,
): Placing {
  // A client starts only what is of its own runtime version.
  const runtimeVersion = requirement.runtimeVersion ?? device.runtimeVersion ?? ''
  return { ...placed, runtimeVersion, assetsUrl: assetsUrl(request) }
}

function currentOf(request: PlainRequest): (ExpoIdentity & { id: string }) | undefined {
  const id = request.header('expo-current-update-id')?.toLowerCase() ?? ''
  const identity = readExpoUpdateId(id)
  return identity && { ...identity, id }
}

/**
 * Expo §6: the latest time of what the device has, as far as it tells. What failed once may have started before, and
 * then the client tries it again as long as nothing is later.
 */
function toldTime(request: PlainRequest): number | undefined {
  const sentBack = readExpoTime(request.header(SENT_BACK_AT) ?? '')
  const times = [sentBack, currentOf(request)?.at, ...readFailedIds(request).map((id) => readExpoUpdateId(id)?.at)]
  return times.reduce((latest, time) => (latest === undefined || (time ?? 0) > latest ? time : latest), undefined)
}
