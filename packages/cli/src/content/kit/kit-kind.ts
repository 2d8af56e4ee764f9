import { createHash } from 'node:crypto'
import { mkdir, realpath, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ReleaseFinding } from '@hotpatch/api'
import {
  KIT_CONTENT_NAME,
  MAX_KIT_MANIFEST_BYTES,
  readKitContent,
  statedKit,
  writeKitContent,
  type KitComponent,
  type KitContent,
} from '@hotpatch/protocol'
import { CommandError, systemReason } from '../../errors/errors.ts'
import { formatBytes, formatCount } from '../../output/text.ts'
import type { CliContext } from '../../process/context.ts'
import { unpackZip } from '../archive/unpack-zip.ts'
import { zipBundle } from '../archive/zip-bundle.ts'
import type { CollectedContent, ContentFile, ContentKind, ContentUpload } from '../content-kind.ts'
import { listBundleFiles } from '../folder/bundle-files.ts'
import { findUnpublishable } from '../folder/find-unpublishable.ts'
import { errorOf } from '../folder/finding.ts'
import { readUnchanged } from '../folder/read-unchanged.ts'
import { nameOfSource, type KitDescription, type KitSource } from './kit-description.ts'

/** What lies here of one source. */
interface CollectedPart {
  source: KitSource
  /** Of a folder or zip, what is in it; else the file itself. */
  files: readonly ContentFile[]
  /** Of a zip: the copy that was looked through. */
  ready?: Bytes
}

export interface CollectedKit extends CollectedContent {
  description: KitDescription
  parts: readonly CollectedPart[]
}

interface Bytes {
  path: string
  sha256: string
  sizeBytes: number
}

const ANY_BYTES = 'application/octet-stream'

/** Components of one system, each file sent by itself, and only what the server has not yet; Content §6. */
export const kitKind: ContentKind<CollectedKit, null> = {
  name: 'kit',

  async recognise(input) {
    if (input.kind === 'kit') return { isOfKind: true, as: 'kit', because: `${input.path} describes it` }
    return {
      isOfKind: false,
      expected: 'what describes a kit, such as kit.release.json',
      found: `a ${input.kind}`,
      advice: 'A kit is published with: kit publish.',
    }
  },

  async collect(context, input, working) {
    if (input.kind !== 'kit') throw new Error('Nobody recognised a kit.')
    const { description } = input
    const parts: CollectedPart[] = []
    for (const [index, source] of description.sources.entries()) {
      const directory = join(working.directory, `part-${index}`)
      parts.push(await collectPart(context, source, directory))
    }
    const files = parts.flatMap(({ source, files }) =>
      files.map((file) => ({ ...file, name: `${nameOfSource(source)}/${file.name}` })),
    )
    return { from: input.path, files, sourceMaps: [], isShareable: false, description, parts }
  },

  async check({ parts }) {
    const findings: ReleaseFinding[] = []
    for (const { source, files } of parts) {
      const found = await findUnpublishable(files)
      findings.push(...found.map((each) => ({ ...each, found: `${each.found}, of ${nameOfSource(source)}` })))
      if (source.what === 'file' && files[0]?.sizeBytes === 0) {
        findings.push(errorOf('file', 'a file with something in it', `${source.path} is empty`, 'Build it anew.'))
      }
    }
    return { findings, facts: null }
  },

  async pack(context, { description, parts }, { directory }) {
    const packed = new Map<KitSource, Bytes>()
    for (const [index, part] of parts.entries()) {
      packed.set(part.source, await packPart(context, part, join(directory, `part-${index}.zip`)))
    }
    const kit = withBytes(description, packed)
    const manifest = Buffer.from(writeKitContent(kit))
    if (manifest.length > MAX_KIT_MANIFEST_BYTES) throw tooLong(manifest.length)
    const path = join(directory, KIT_CONTENT_NAME)
    await writeFile(path, manifest, { mode: 0o600 })
    const own = { sha256: createHash('sha256').update(manifest).digest('hex'), sizeBytes: manifest.length }
    return {
      content: { kind: 'kit', ...own },
      uploads: [...assetsOf(packed.values()), { kind: 'kit' as const, path, ...own, contentType: ANY_BYTES }],
      kit,
    }
  },

  stated: ({ kit }) => statedKit(kitOf(kit)),
  isSame: (published, { content }) =>
    published.kind === 'kit' && content.kind === 'kit' && published.sha256 === content.sha256,

  told: ({ parts }) => ({ fileCount: parts.length }),

  describe({ parts }, _facts, { content, kit: packed }) {
    const kit = kitOf(packed)
    const { components, severity, expectedDowntimeSeconds: seconds } = kit
    const lines = components.map((component) => describeComponent(component, parts))
    const [first, ...others] = lines
    const final = components.filter(({ supportsRollback }) => !supportsRollback).map(({ id }) => id)
    return {
      lines: {
        Kit: `${formatCount(components.length, 'component')}, ${severity}${seconds === undefined ? '' : `, about ${seconds} s of downtime`}`,
        Components: first ?? 'none',
        ...Object.fromEntries(others.map((line, index) => [`Components ${index + 2}`, line])),
        ...(final.length > 0 && { 'Cannot be undone': final.join(', ') }),
        'SHA-256': `${content.kind === 'kit' ? content.sha256 : ''} of ${KIT_CONTENT_NAME}`,
      },
      json: { content: { ...content, ...(JSON.parse(writeKitContent(kit)) as object) }, entry: undefined },
    }
  },
}

async function collectPart(context: CliContext, source: KitSource, directory: string): Promise<CollectedPart> {
  const { what, path } = source
  if (what === 'folder') return { source, files: await listBundleFiles(path) }
  if (what === 'file') return { source, files: [await fileAt(path)] }
  await mkdir(directory)
  const { zip, files } = await unpackZip(context, path, directory)
  return { source, files, ready: zip }
}

async function fileAt(path: string): Promise<ContentFile> {
  try {
    const target = await realpath(path)
    const { size, mtimeMs } = await stat(target)
    return { name: basename(path), path: target, sizeBytes: size, modifiedAtMs: mtimeMs }
  } catch (cause) {
    throw new CommandError('bundle-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

async function packPart(context: CliContext, { source, files, ready }: CollectedPart, path: string): Promise<Bytes> {
  if (ready) return ready
  if (source.what === 'folder') return zipBundle(context, files, path, { keepsExecutables: true })
  const [file] = files
  if (!file) throw new Error(`Nothing was collected of ${source.path}.`)
  const hash = createHash('sha256')
  for await (const chunk of readUnchanged(file)) {
    context.signal.throwIfAborted()
    hash.update(chunk)
  }
  return { path: file.path, sha256: hash.digest('hex'), sizeBytes: file.sizeBytes }
}

/** In the order of the description: the draft has its files in the same. */
function withBytes({ draft, sources }: KitDescription, packed: ReadonlyMap<KitSource, Bytes>): KitContent {
  const components = draft.components.map((component) => {
    const own = sources.filter((source) => source.component === component.id)
    const files = component.files.map((file, index) => {
      const bytes = own[index] && packed.get(own[index])
      if (!bytes) throw new Error(`${component.id} was not packed.`)
      return { ...file, sha256: bytes.sha256, sizeBytes: bytes.sizeBytes }
    })
    return { ...component, files }
  })
  // Read again: what is sent is what every reader takes.
  return readKitContent(writeKitContent({ ...draft, components }))
}

function assetsOf(packed: Iterable<Bytes>): ContentUpload[] {
  const each = new Map([...packed].map((bytes) => [bytes.sha256, bytes]))
  return [...each.values()].map(({ path, sha256, sizeBytes }) => ({
    kind: 'asset',
    path,
    sha256,
    sizeBytes,
    contentType: ANY_BYTES,
  }))
}

function kitOf(kit: KitContent | undefined): KitContent {
  if (!kit) throw new Error('Expected a kit.')
  return kit
}

function describeComponent(
  { id, kind, version, order, files, isOptional }: KitComponent,
  parts: readonly CollectedPart[],
) {
  const machines = files.map(({ platform, architecture, sizeBytes }) => {
    const machine = platform === 'any' && architecture === 'any' ? 'all machines' : `${platform} ${architecture}`
    return `${formatBytes(sizeBytes)} for ${machine}`
  })
  const from = parts.find(({ source }) => source.component === id)?.source.path
  const where = from === undefined || files.length !== 1 ? '' : ` of ${from}`
  return [`${order}. ${id} ${version}, ${kind}${isOptional ? ', optional' : ''}`, ...machines].join(', ') + where
}

function tooLong(bytes: number): CommandError {
  const message = `${KIT_CONTENT_NAME}: expected at most ${MAX_KIT_MANIFEST_BYTES} bytes, found ${bytes}.`
  return new CommandError('bundle-invalid', `${message} Take fewer components, or shorter notes.`)
}
