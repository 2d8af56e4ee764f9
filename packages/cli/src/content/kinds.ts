import type { NewReleaseContent, ReleaseCheck, ReleaseContent, ReleaseFinding } from '@hotpatch/api'
import { CommandError, UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { archiveKind, zipOf } from './archive/archive-kind.ts'
import { binaryKind } from './binary/binary-kind.ts'
import { requireThere } from './content-input.ts'
import { filesKind } from './files/files-kind.ts'
import { kitKind } from './kit/kit-kind.ts'
import type {
  CollectedContent,
  ContentDescription,
  ContentInput,
  ContentKind,
  ContentUpload,
  ContentWish,
  SealedContent,
  StatedContent,
  Working,
} from './content-kind.ts'

/** Whatever it collects and finds, it is given back what is its own. */
export type MadeKind = ContentKind<CollectedContent, unknown>

/** The kinds that this tool makes, Content §1. The first that knows an input as its own takes it. */
const KINDS = [filesKind, archiveKind, binaryKind, kitKind] as readonly object[] as readonly MadeKind[]

/** @throws UsageError or CommandError with why it is of no kind */
export async function recogniseContent(input: ContentInput, wish: ContentWish): Promise<MadeKind> {
  await requireThere(input)
  const reasons = []
  for (const kind of KINDS) {
    const recognition = await kind.recognise(input, wish)
    if (recognition.isOfKind) return fit(kind, wish)
    const { expected, found, advice } = recognition
    reasons.push(`Expected ${expected}, found ${found}. ${advice}`)
  }
  const message = reasons.join('\n')
  throw input.kind === 'project' ? new UsageError(message) : new CommandError('bundle-invalid', message)
}

/** @throws UsageError where something is to be signed that only an archive has room for */
function fit(kind: MadeKind, { signPackage }: ContentWish): MadeKind {
  if (!signPackage || kind.name === 'archive') return kind
  throw new UsageError(`--code-push-key signs one zip, and this would be published as ${kind.name}.`)
}

/** What a statement says of bytes that were published before and lie here as one file. Nothing is made of them. */
export function stateFile(bytes: { sha256: string; sizeBytes: number }): StatedContent {
  return archiveKind.stated({ content: { kind: 'archive', ...bytes }, uploads: [] })
}

/** Whether a release that is there was made of these bytes. */
export function isSameContent(published: ReleaseContent, bytes: Pick<ReleaseBytes, 'content' | 'sealed'>): boolean {
  const kind = KINDS.find(({ name }) => name === published.kind)
  return kind?.isSame(published, bytes) ?? false
}

export type OpenContent = Awaited<ReturnType<typeof openContent>>

/** Content that was found and looked through: nothing of it is packed yet. */
export async function openContent(context: CliContext, input: ContentInput, working: Working) {
  const { wish } = working
  const kind = await recogniseContent(input, wish)
  if (wish.encryptFor && kind.name !== 'archive') {
    throw new UsageError(
      `Only bundles that are one zip are encrypted, and this is published as ${kind.name}: --no-encrypt.`,
    )
  }
  const collected = await kind.collect(context, input, working)
  const { findings, facts } = await kind.check(collected, wish)
  return {
    from: collected.from,
    files: collected.files,
    sourceMaps: collected.sourceMaps,
    isShareable: collected.isShareable,
    /** Some may be errors. */
    findings: findings as readonly ReleaseFinding[],
    told: kind.told(collected) as Partial<ReleaseCheck>,
    async pack(): Promise<ReleaseBytes> {
      const packed = await kind.pack(context, collected, working, facts)
      return {
        ...packed,
        stated: kind.stated(packed),
        description: kind.describe(collected, facts, packed),
      }
    },
  }
}

/** The one file that a release is known by. @throws CommandError when it is of several */
export function wholeOf({ uploads, content }: Pick<ReleaseBytes, 'uploads' | 'content'>): ContentUpload {
  const [whole] = uploads
  if (whole && content.kind === 'archive') return whole
  throw new CommandError('bundle-invalid', 'Expected content that is one zip, found several files.')
}

/** Of an archive, the digest of its zip, encrypted or not: what else is signed or kept of it goes by that. */
export function digestOfZip({ content, sealed }: Pick<ReleaseBytes, 'content' | 'sealed'>): string | undefined {
  return content.kind === 'archive' ? (sealed ?? zipOf(content)).sha256 : undefined
}

/** All that a release needs of its content, whatever its kind. */
export interface ReleaseBytes {
  uploads: readonly ContentUpload[]
  stated: StatedContent
  /** What the publish says of it. */
  content: NewReleaseContent
  sealed?: SealedContent
  description: ContentDescription
}
