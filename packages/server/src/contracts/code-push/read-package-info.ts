import { problem, type Problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { asFormProblem } from '../../ground/http/take-forms.ts'
import { createValidator } from '../../ground/http/validate.ts'
import type { ContentService, ReceivedContent } from '../../shipping/content/content-service.ts'
import { packageAsZip } from './package-as-zip.ts'

/** What the tools say of a release; those that they do not know are `null`. */
const PackageInfo = Type.Object({
  label: Type.Optional(Type.Union([Type.String({ pattern: '^v[1-9][0-9]{0,8}$' }), Type.Null()])),
  appVersion: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 256 }), Type.Null()])),
  description: Type.Optional(Type.Union([Type.String({ maxLength: 10_000 }), Type.Null()])),
  isDisabled: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  isMandatory: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  rollout: Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 100 }), Type.Null()])),
})
export type PackageInfo = Static<typeof PackageInfo>

const validate = createValidator(PackageInfo, 'packageInfo')

/** @throws problem invalid-request */
export function readPackageInfo(body: unknown): PackageInfo {
  const { packageInfo } = (body ?? {}) as { packageInfo?: unknown }
  return validate(packageInfo ?? {})
}

/** A form of `package` and `packageInfo`. When the answer is known, what is left of the file is gone. */
export async function withPackage<Result>(
  request: FastifyRequest,
  contents: ContentService,
  use: (content: ReceivedContent, info: PackageInfo) => Promise<Result>,
): Promise<Result> {
  let content: ReceivedContent | undefined
  let info: string | undefined
  try {
    for await (const part of request.parts({ limits: { parts: 10, fileSize: Number.MAX_SAFE_INTEGER } })) {
      if (part.type === 'file') {
        if (part.fieldname !== 'package' || content) throw refused(`a file in "${part.fieldname}"`)
        content = await contents.receive(await packageAsZip(part.file, part.filename))
      } else if (part.fieldname === 'packageInfo') {
        info = typeof part.value === 'string' ? part.value : JSON.stringify(part.value)
      }
    }
    if (!content) throw refused('none')
    return await use(content, validate(parseInfo(info)))
  } catch (error) {
    throw asFormProblem(error)
  } finally {
    await content?.discard()
  }
}

function refused(found: string): Problem {
  return problem('invalid-request', `Expected one file in the part "package", found ${found}.`)
}

function parseInfo(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '{}')
  } catch (cause) {
    throw problem('malformed-json', 'packageInfo: expected JSON.', {}, { cause })
  }
}
