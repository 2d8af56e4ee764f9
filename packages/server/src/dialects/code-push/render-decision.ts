import { Type, type Static } from 'typebox'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import { contentOf } from '../../updates/content-of.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { text, toldText } from '../reading/read-fields.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import { fieldsInBothSpellings, isOlder } from './spellings.ts'

/** Code Push §3: what older clients read. The newer ones have the same in snake case. */
const UpdateInfo = Type.Object(
  {
    downloadURL: Type.String({ pattern: '^(https?://.+)?$' }),
    description: Type.String(),
    isAvailable: Type.Boolean(),
    isMandatory: Type.Boolean(),
    appVersion: Type.String(),
    target_binary_range: Type.String(),
    packageHash: Type.String({ pattern: '^([0-9a-f]{64})?$' }),
    label: Type.String({ pattern: '^(v[1-9][0-9]*)?$' }),
    packageSize: Type.Integer({ minimum: 0 }),
    updateAppVersion: Type.Boolean(),
    shouldRunBinaryVersion: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type UpdateInfo = Static<typeof UpdateInfo>

const Offer = Type.Intersect([
  UpdateInfo,
  Type.Object({
    isAvailable: Type.Literal(true),
    downloadURL: Type.String({ minLength: 1 }),
    packageHash: Type.String({ minLength: 1 }),
    label: Type.String({ minLength: 1 }),
    packageSize: Type.Integer({ minimum: 1 }),
    updateAppVersion: Type.Literal(false),
  }),
])
const Nothing = Type.Intersect([UpdateInfo, Type.Object({ isAvailable: Type.Literal(false) })])
const validator = createCheck(Type.Union([Offer, Nothing]))

const NOTHING: UpdateInfo = {
  downloadURL: '',
  description: '',
  isAvailable: false,
  isMandatory: false,
  appVersion: '',
  target_binary_range: '',
  packageHash: '',
  label: '',
  packageSize: 0,
  updateAppVersion: false,
  shouldRunBinaryVersion: false,
}

interface Asked {
  appVersion: string
  /** Of what the client runs. */
  packageHash: string | undefined
  publicUrl: string
}

/** Code Push §3: pure; addresses are on `publicUrl`. `appVersion` is as the client told it. */
export function renderDecision(answer: UpdateAnswer, { appVersion, packageHash: has, publicUrl }: Asked): UpdateInfo {
  const { decision } = answer
  switch (decision.kind) {
    case 'update': {
      const { release, mandatory } = decision
      const content = contentOf(release, 'archive')
      // Code Push §6: what changed since exactly what it runs.
      const { sha256, sizeBytes } = content.diffs?.get(has ?? '') ?? content
      const { packageHash = '' } = content
      return {
        downloadURL: offeredUrl(publicUrl, sha256, release.id),
        description: release.notes,
        isAvailable: true,
        isMandatory: mandatory,
        appVersion,
        target_binary_range: appVersion,
        packageHash,
        label: answer.countedLabel ?? '',
        packageSize: sizeBytes,
        updateAppVersion: false,
        shouldRunBinaryVersion: false,
      }
    }
    case 'embedded':
      return { ...NOTHING, shouldRunBinaryVersion: true }
    case 'native-update-required':
    case 'up-to-date': {
      const minimum = decision.nativeUpdate?.minNativeVersion
      const runsBinary = decision.kind === 'native-update-required' || decision.rollout === null
      return {
        ...NOTHING,
        ...(minimum !== undefined && { updateAppVersion: true, appVersion: minimum, target_binary_range: minimum }),
        shouldRunBinaryVersion: runsBinary,
      }
    }
  }
}

/** What an answer without an update needs to know. */
const NOT_ASKED: Asked = { appVersion: '', packageHash: undefined, publicUrl: '' }

/** The answer's bytes: a malformed one never leaves the server. */
export function createAnswerWriter() {
  const remember = rememberAnswers()

  return function writeAnswer(answer: UpdateAnswer, request: Pick<PlainRequest, 'publicUrl' | 'path' | 'query'>) {
    const { decision } = answer
    const older = isOlder(request.path)
    if (decision.kind !== 'update') return write(renderDecision(answer, NOT_ASKED), older)
    const { publicUrl } = request
    const fields = fieldsInBothSpellings(request.query)
    // It was read before.
    const appVersion = text(fields, 'app_version', 64)
    const packageHash = toldText(fields, 'package_hash', 64)
    const { diffs } = contentOf(decision.release, 'archive')
    const diff = diffs?.get(packageHash ?? '')?.sha256
    // None of them has a space in it.
    const variant = `${older} ${decision.mandatory} ${appVersion} ${diff} ${publicUrl}`
    const asked = { appVersion, packageHash, publicUrl }
    return remember(decision.rollout, variant, () => write(renderDecision(answer, asked), older))
  }
}

function write(info: UpdateInfo, older: boolean): string {
  if (!validator.Check(info)) {
    const first = validator.Errors(info)[0]
    throw new Error(`An answer was stopped that is not as Code Push §3 has it: ${JSON.stringify(first)}`)
  }
  return JSON.stringify(older ? { updateInfo: info } : { update_info: inSnakeCase(info) })
}

function inSnakeCase(info: UpdateInfo): Record<string, unknown> {
  return Object.fromEntries(Object.entries(info).map(([name, value]) => [snakeCase(name), value]))
}

/** `downloadURL` is `download_url`. */
function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
}
