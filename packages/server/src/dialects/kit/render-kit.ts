import { REASON_SENTENCES } from '@hotpatch/api'
import type { CompiledRollout, DecisionReason } from '@hotpatch/protocol'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import type { OfferedRelease, Restatement } from '../../updates/catalog-queries.ts'
import type { Feed, FindRestatement } from '../../updates/dialect.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import { stateKit, type KitSignature, type PlacedKit, type StatedKit } from './stated-kit.ts'

/** Kits §6.2: what is signed, and beside it the signatures, for whoever keeps files. */
export type KitFileName = 'latest.json' | 'latest.json.sig' | 'latest.json.minisig'

const remember = rememberAnswers()

/** Kits §6.3: what is in force for everyone. */
export function renderFeed(
  feed: Feed,
  request: PlainRequest,
  { file, findRestatement }: { file: KitFileName; findRestatement: FindRestatement },
): PlainAnswer {
  const [rollout] = feed
  if (!isOfRelease(rollout)) return nothing('nothing-published')
  return render(rollout, request, {
    file,
    restatement: findRestatement(rollout.id),
    says: ['kit-rollout', rollout.id, 'kit-release', rollout.target.version],
    caching: 'no-cache',
  })
}

/** Kits §6.3: what this installation is to run, also when it runs that already. */
export function renderCheck(answer: UpdateAnswer, request: PlainRequest, file: KitFileName): PlainAnswer {
  const { decision, restatement } = answer
  const { reason, nativeUpdate } = decision
  const awaits = nativeUpdate ? ['kit-min-installer-version', nativeUpdate.minNativeVersion] : []
  const rollout = decision.kind === 'update' || decision.kind === 'up-to-date' ? decision.rollout : null
  if (!isOfRelease(rollout)) return nothing(reason, awaits)
  const isMandatory = decision.kind === 'update' && decision.mandatory
  return render(rollout, request, {
    file,
    restatement,
    says: [
      'kit-rollout',
      rollout.id,
      'kit-release',
      rollout.target.version,
      'kit-reason',
      reason,
      'kit-mandatory',
      String(isMandatory),
      ...awaits,
    ],
    caching: 'no-store',
  })
}

function isOfRelease(
  rollout: CompiledRollout<OfferedRelease> | null | undefined,
): rollout is CompiledRollout<OfferedRelease> & PlacedKit {
  return rollout !== null && rollout !== undefined && rollout.target !== 'embedded'
}

interface Rendering {
  file: KitFileName
  restatement: Restatement | undefined
  /** Names and values of headers by turns. */
  says: readonly string[]
  /** What is for one installation is for no other. */
  caching: 'no-store' | 'no-cache'
}

function render(rollout: PlacedKit, request: PlainRequest, { file, restatement, says, caching }: Rendering) {
  const stated = stateKit(rollout, restatement)
  const text = textOf(stated, file)
  if (text === undefined) return answerOf(404, refusal('not-signed', 'Nobody has signed this kit by minisign.'), says)
  const etag = file === 'latest.json' ? `"${stated.sha256}"` : `"${stated.sha256}-${signedBy(stated)}"`
  const headers = [
    'content-type',
    file.endsWith('.minisig') ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    'cache-control',
    caching,
    'vary',
    'x-install-id, x-app-key',
    'etag',
    etag,
    'kit-signature',
    stated.signatures.map(writeSignature).join(', '),
    ...says,
  ]
  if (isHeld(request.header('if-none-match'), etag)) return { status: 304, headers, body: '' }
  return { status: 200, headers, body: remember(stated, file, () => text) }
}

/** Undefined: there is no such file. */
function textOf({ text, signatures }: StatedKit, file: KitFileName): string | undefined {
  switch (file) {
    case 'latest.json':
      return text
    case 'latest.json.sig':
      return JSON.stringify({ signatures })
    case 'latest.json.minisig': {
      const found = signatures.find(({ scheme }) => scheme === 'minisign')?.value
      return found === undefined ? undefined : Buffer.from(found, 'base64').toString()
    }
  }
}

/** Signatures may be added to what is signed already. */
function signedBy({ signatures }: StatedKit): string {
  return signatures.map(({ scheme, value }) => `${scheme}.${value.slice(-12).replaceAll('=', '')}`).join('-')
}

function writeSignature({ scheme, keyId, value }: KitSignature): string {
  return `${scheme}${keyId === undefined ? '' : `;keyid="${keyId}"`};sig="${value}"`
}

/** RFC 9110 §13.1.2: weak or not, as caches on the way may have made of it. */
function isHeld(told: string | undefined, etag: string): boolean {
  if (told === undefined) return false
  if (told.trim() === '*') return true
  return told.split(',', MAX_ETAGS).some((each) => each.trim().replace(/^W\//, '') === etag)
}

const MAX_ETAGS = 20

/** Kits §6.4. */
function nothing(reason: DecisionReason, says: readonly string[] = []): PlainAnswer {
  return answerOf(404, refusal(reason, REASON_SENTENCES[reason]), ['kit-reason', reason, ...says])
}

function refusal(code: string, message: string): string {
  return JSON.stringify({ code, message })
}

function answerOf(status: number, body: string, says: readonly string[]): PlainAnswer {
  const headers = ['content-type', 'application/json; charset=utf-8', 'cache-control', 'no-store', ...says]
  return { status, headers, body }
}
