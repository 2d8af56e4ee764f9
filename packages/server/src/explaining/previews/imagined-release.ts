import { SignatureSchemeName, type BinaryFormatName, type PreviewedFile, type RolloutPreview } from '@hotpatch/api'
import type { CatalogComponent, Platform, Requirement } from '@hotpatch/protocol'
import { filesFor } from '../../shipping/content/kit/components-for.ts'
import type { OfferedContent } from '../../shipping/content/kinds.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { NOTHING_HELD } from '../../updates/held-files.ts'

/** Who would sign, and under which sequence. */
export interface ImaginedSignature {
  keyId: string
  sequence: number
}

/** What is told of a release that nobody has published. */
type Told = Pick<RolloutPreview, 'kind' | 'version' | 'files' | 'exportedBy' | 'answerKeyIds'>

/** As the catalog of a platform would have it, of which devices are judged by what their clients take (Decision §13). */
export function imagineRelease(
  id: string,
  { kind = 'archive', version = '', files, exportedBy, answerKeyIds }: Told,
  { platform, requirement, signature }: { platform: Platform; requirement: Requirement; signature: ImaginedSignature },
): OfferedRelease {
  const { keyId, sequence } = signature
  const components = kind === 'kit' ? componentsOf(files, platform) : undefined
  const binaries = kind === 'binary' && version !== '' ? binariesOf(files, platform) : undefined
  return {
    id,
    version,
    sequence,
    floor: 0,
    keyId,
    isStated: true,
    requirement,
    kind,
    content: contentOf(kind),
    // Lists of what is newest are held first of all.
    held: kind === 'files' ? { ...NOTHING_HELD, files: [] } : NOTHING_HELD,
    ...(exportedBy && { exportedBy }),
    ...(answerKeyIds && { answers: answerKeyIds.map(answerOf) }),
    ...(components && { components }),
    ...(binaries && { binaries }),
    variants: [],
    notes: '',
    signature: null,
    statement: null,
    statementSignature: null,
  }
}

/** Of its bytes no decision knows anything. */
function contentOf(kind: OfferedContent['kind']): OfferedContent {
  const bytes = { sha256: '', sizeBytes: 0 }
  switch (kind) {
    case 'archive':
    case 'kit':
      return { kind, ...bytes }
    case 'files':
      return { kind, ...bytes, fileCount: 0, totalBytes: 0 }
    case 'binary':
      return { kind, files: [{ name: '', platform: 'any', architecture: 'any', format: 'zip', ...bytes }] }
  }
}

/** Signed later than all that any device has. */
function answerOf(keyId: string) {
  return { keyId, at: Number.MAX_SAFE_INTEGER, signature: '', chain: '', assetsUrl: '' }
}

function componentsOf(files: readonly PreviewedFile[] | undefined, platform: Platform): CatalogComponent[] {
  const named = Map.groupBy(files ?? [], ({ component }) => component ?? '')
  return [...named].map(([id, each]) => ({
    id,
    architectures: filesFor(platform, each).map(({ architecture }) => architecture),
  }))
}

/** What else is to be signed of them, their publisher will sign. */
const SIGNED = SignatureSchemeName.anyOf.map(({ const: scheme }) => ({ scheme, subject: '', value: '' }))

function binariesOf(files: readonly PreviewedFile[] | undefined, platform: Platform): OfferedRelease['binaries'] {
  if (!files) return undefined
  return filesFor(platform, files).map(({ format, component: _, ...machine }) => ({
    ...machine,
    format: format as BinaryFormatName,
    name: '',
    sha256: '',
    sizeBytes: 0,
    signatures: SIGNED,
  }))
}
