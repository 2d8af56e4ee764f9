import { NewArchiveContent, NewBinaryContent, NewFilesContent, NewKitContent, NewRelease } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { Type } from 'typebox'
import { createValidator } from '../../ground/http/validate.ts'

const { content: _, ...common } = NewRelease.properties

/** By its kind, so that an error is about what was meant, and not about every kind that it could have been. */
const VALIDATORS = {
  archive: createValidator(releaseWith(Type.Optional(NewArchiveContent)), 'metadata'),
  binary: createValidator(releaseWith(NewBinaryContent), 'metadata'),
  files: createValidator(releaseWith(NewFilesContent), 'metadata'),
  kit: createValidator(releaseWith(NewKitContent), 'metadata'),
}

/** @throws problem invalid-request */
export function readNewRelease(metadata: unknown): NewRelease {
  const kind = kindOf(metadata)
  if (kind === 'archive' || kind === 'binary' || kind === 'files' || kind === 'kit') return VALIDATORS[kind](metadata)
  const expected = Object.keys(VALIDATORS).join(', ')
  throw problem('invalid-request', `metadata/content/kind: expected one of ${expected}, found ${JSON.stringify(kind)}.`)
}

function kindOf(metadata: unknown): unknown {
  if (typeof metadata !== 'object' || metadata === null || !('content' in metadata)) return 'archive'
  const { content } = metadata
  return typeof content === 'object' && content !== null && 'kind' in content ? content.kind : 'archive'
}

function releaseWith<
  Content extends
    | typeof NewBinaryContent
    | typeof NewFilesContent
    | typeof NewKitContent
    | ReturnType<typeof Type.Optional<typeof NewArchiveContent>>,
>(content: Content) {
  return Type.Object({ ...common, content }, { additionalProperties: false })
}
