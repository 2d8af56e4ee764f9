import { ENCRYPTION_ALGORITHM, type CompiledRollout } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import { isFormatOf } from '../../shipping/patches/patch-kinds.ts'
import type { OfferedPatch } from '../../shipping/patches/patch-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { contentOf, type OfferedOf } from '../../updates/content-of.ts'

const Base64OrNull = Type.Union([Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' }), Type.Null()])
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const NativeUpdate = Type.Object({ minNativeVersion: Type.String(), releaseId: Type.String() })

/** React Native §2.1: only to who says that they take it. */
const Patch = Type.Object(
  {
    format: Type.Union([Type.Literal('hpdelta1-br'), Type.Literal('hpdelta1-deflate')]),
    url: Type.String({ pattern: '^https?://' }),
    sha256: Sha256,
    sizeBytes: Type.Integer({ minimum: 1 }),
    baseTree: Sha256,
    tree: Sha256,
  },
  { additionalProperties: false },
)

/** React Native §2.2: what is at `bundleUrl`, where that is not the bundle itself. Only to who says that it has a key. */
const EncryptionOfOffer = Type.Object(
  {
    algorithm: Type.Literal('hotpatch-v1'),
    sha256: Sha256,
    sizeBytes: Type.Integer({ minimum: 1 }),
    keyIds: Type.Array(Type.String({ pattern: '^[0-9a-f]{16}$' }), { minItems: 1, maxItems: 16 }),
  },
  { additionalProperties: false },
)

/** React Native §2: an update. The first six fields after `updateAvailable` are the contract's own. */
const UpdateOffer = Type.Object(
  {
    updateAvailable: Type.Literal(true),
    bundleUrl: Type.String({ pattern: '^https?://' }),
    hash: Sha256,
    signature: Base64OrNull,
    mandatory: Type.Boolean(),
    version: Type.String({ minLength: 1 }),
    releaseId: Type.String({ format: 'uuid' }),
    sizeBytes: Type.Integer({ minimum: 1 }),
    direction: Type.Union([Type.Literal('forward'), Type.Literal('back')]),
    reason: Type.String(),
    notes: Type.String(),
    statement: Base64OrNull,
    statementSignature: Base64OrNull,
    nativeUpdate: Type.Optional(NativeUpdate),
    encryption: Type.Optional(EncryptionOfOffer),
    patch: Type.Optional(Patch),
  },
  { additionalProperties: false },
)

/** React Native §2: back to what the binary shipped with. An original client reads "no update" and stays. */
const EmbeddedOffer = Type.Object(
  {
    updateAvailable: Type.Literal(false),
    rollBackTo: Type.Literal('embedded'),
    mandatory: Type.Boolean(),
    reason: Type.String(),
    statement: Base64OrNull,
    statementSignature: Base64OrNull,
  },
  { additionalProperties: false },
)

/** React Native §2: nothing to do, and why. */
const NoUpdate = Type.Object(
  {
    updateAvailable: Type.Literal(false),
    reason: Type.String(),
    nativeUpdate: Type.Optional(NativeUpdate),
  },
  { additionalProperties: false },
)

export const CheckAnswer = Type.Union([UpdateOffer, EmbeddedOffer, NoUpdate])
export type CheckAnswer = Static<typeof CheckAnswer>

const validator = createCheck(CheckAnswer)

/** React Native §2. Pure; addresses are on `publicUrl`. */
export function renderDecision({ decision, restatement, patch }: UpdateAnswer, publicUrl: string): CheckAnswer {
  const { reason } = decision
  const native = decision.nativeUpdate ? { nativeUpdate: decision.nativeUpdate } : {}
  switch (decision.kind) {
    case 'update': {
      const { release, mandatory, direction } = decision
      const { bundle, stored, encryption } = bundleOf(contentOf(release, 'archive'))
      return {
        updateAvailable: true,
        bundleUrl: offeredUrl(publicUrl, stored, release.id),
        hash: bundle.sha256,
        signature: release.signature,
        mandatory,
        version: release.version,
        releaseId: release.id,
        sizeBytes: bundle.sizeBytes,
        direction,
        reason,
        notes: release.notes,
        ...statementOf(restatement ?? release),
        ...native,
        ...(encryption && { encryption }),
        ...(patch && { patch: patchOf(patch, offeredUrl(publicUrl, patch.sha256, release.id)) }),
      }
    }
    case 'embedded': {
      const { mandatory } = decision
      const statement = statementOf(restatement ?? UNSIGNED)
      return { updateAvailable: false, rollBackTo: 'embedded', mandatory, reason, ...statement }
    }
    case 'up-to-date':
    case 'native-update-required':
      return { updateAvailable: false, reason, ...native }
  }
}

/** Content §3.2: signed is what is inside, and what is stored. */
function bundleOf({ sha256, sizeBytes, sealed }: OfferedOf<'archive'>) {
  if (!sealed) return { bundle: { sha256, sizeBytes }, stored: sha256, encryption: undefined }
  const { keyIds, ...bundle } = sealed
  return {
    bundle,
    stored: sha256,
    encryption: { algorithm: ENCRYPTION_ALGORITHM, sha256, sizeBytes, keyIds: [...keyIds] },
  }
}

const UNSIGNED = { statement: null, statementSignature: null }

function statementOf(signed: { statement: string | null; statementSignature: string | null }) {
  if (signed.statement === null) return UNSIGNED
  return {
    statement: Buffer.from(signed.statement).toString('base64'),
    statementSignature: signed.statementSignature,
  }
}

/** Answers that differ for one rollout: by mandatory, direction, reason and the request's host, which anyone can make up. */
const MAX_VARIANTS = 32

interface Variant {
  mandatory: boolean
  direction: string
  reason: string
  nativeReleaseId: string | undefined
  patchSha256: string | undefined
  publicUrl: string
  text: string
}

/**
 * The answer's bytes. Made and checked against the schema once for each rollout and variant, as most devices
 * get the same ones; a malformed answer never leaves the server.
 */
export function createAnswerWriter() {
  const written = new WeakMap<CompiledRollout<OfferedRelease>, Variant[]>()

  return function writeAnswer(answer: UpdateAnswer, request: Pick<PlainRequest, 'publicUrl'>): string {
    const { decision, patch } = answer
    // Only downloads have addresses.
    if (decision.kind !== 'update') return write(answer, '')
    const { publicUrl } = request
    const { rollout, mandatory, direction, reason, nativeUpdate } = decision
    const nativeReleaseId = nativeUpdate?.releaseId
    const patchSha256 = patch?.sha256
    let variants = written.get(rollout)
    if (!variants) written.set(rollout, (variants = []))
    // One or two mostly: comparing is cheaper than putting a key together.
    const known = variants.find(
      (variant) =>
        variant.mandatory === mandatory &&
        variant.direction === direction &&
        variant.reason === reason &&
        variant.nativeReleaseId === nativeReleaseId &&
        variant.patchSha256 === patchSha256 &&
        variant.publicUrl === publicUrl,
    )
    if (known) return known.text
    if (variants.length >= MAX_VARIANTS) variants.length = 0
    const text = write(answer, publicUrl)
    variants.push({ mandatory, direction, reason, nativeReleaseId, patchSha256, publicUrl, text })
    return text
  }
}

/** React Native §2.1: no others were asked for. */
function patchOf({ format, sha256, sizeBytes, from, to }: OfferedPatch, url: string) {
  if (!isFormatOf('tree', format))
    throw new Error(`An answer was stopped that React Native §2.1 has no patch for: ${format}.`)
  return { format, url, sha256, sizeBytes, baseTree: from, tree: to }
}

function write(answer: UpdateAnswer, publicUrl: string): string {
  const rendered = renderDecision(answer, publicUrl)
  if (!validator.Check(rendered)) {
    const first = validator.Errors(rendered)[0]
    throw new Error(`An answer was stopped that is not as React Native §2 has it: ${JSON.stringify(first)}`)
  }
  return JSON.stringify(rendered)
}
