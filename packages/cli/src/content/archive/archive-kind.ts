import { createHash } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { NewReleaseContent, ReleaseFinding } from '@hotpatch/api'
import { ENCRYPTED_ARCHIVE_NAME, statedArchive, writeTree, type EncryptionKey } from '@hotpatch/protocol'
import { formatBytes, formatCount } from '../../output/text.ts'
import type { CliContext } from '../../process/context.ts'
import type {
  CollectedContent,
  ContentFile,
  ContentKind,
  ContentWish,
  PackedContent,
  ProjectInput,
  Recognition,
  Working,
} from '../content-kind.ts'
import { buildBundle, isBundled } from './build-bundle.ts'
import { listBundleFiles } from '../folder/bundle-files.ts'
import { describeEntry } from './entry-file.ts'
import { encryptFile } from './encrypt-file.ts'
import { inspectBundle, type InspectedBundle } from './inspect-bundle.ts'
import { withoutSourceMaps } from '../folder/source-maps.ts'
import { askedEntry, chooseStartFile, type StartFile } from './start-file.ts'
import { unpackZip } from './unpack-zip.ts'
import { zipBundle, type UnpackedZip } from './zip-bundle.ts'
import { zipSigned } from './zip-signed.ts'

export interface CollectedArchive extends CollectedContent {
  start: StartFile | undefined
  /** It is published as it is. */
  ready?: UnpackedZip
}

export interface ArchiveFacts {
  start: StartFile | undefined
  entry: InspectedBundle['entry']
}

const CONTENT_TYPE = 'application/zip'

/** One zip: React Native bundles and web bundles, Content §3. */
export const archiveKind: ContentKind<CollectedArchive, ArchiveFacts> = {
  name: 'archive',

  async recognise(input, wish) {
    switch (input.kind) {
      case 'project':
        return recogniseProject(wish)
      case 'folder':
        return input.as === 'files' ? notAsFiles : recogniseFolder(input.path, wish)
      case 'file':
        return recogniseZip(input.path)
      case 'installers':
        return {
          isOfKind: false,
          expected: 'a folder or a zip',
          found: 'files that apps are installed from',
          advice: 'They are whole binaries.',
        }
      case 'kit':
        return { isOfKind: false, expected: 'a folder or a zip', found: 'a kit', advice: 'It has several of them.' }
    }
  },

  async collect(context, input, working) {
    const { wish } = working
    if (input.kind === 'file') return collectZip(context, input.path, working)
    if (input.kind === 'installers' || input.kind === 'kit') throw new Error('Nobody recognised an archive.')
    const from = input.kind === 'folder' ? input.path : await buildProject(context, input, wish)
    const all = await listBundleFiles(from)
    const { files: others, sourceMaps } = withoutSourceMaps(all)
    const files = wish.withSourceMaps ? all : others
    const start = await chooseStartFile(wish, namesAtRoot(files))
    return { from, files, sourceMaps, start, isShareable: isWeb(start) }
  },

  async check({ files, sourceMaps, start, ready }, { platform, withSourceMaps }) {
    const { findings, entry } = await inspectBundle(platform, start, files)
    const mapsInZip = ready && !withSourceMaps ? sourceMaps : []
    return { findings: [...findings, ...mapFindings(mapsInZip)], facts: { start, entry } }
  },

  async pack(context, { files, ready }, { directory, wish }, { start }) {
    const { signPackage: sign } = wish
    const zip = sign
      ? await zipSigned(context, files, { directory, sign })
      : (ready ?? (await zipBundle(context, files, join(directory, 'bundle.zip'))))
    const { sha256, sizeBytes } = zip
    const tree = createHash('sha256').update(writeTree(zip.unpacked)).digest('hex')
    if (wish.encryptFor) return encryptZip(context, { zip, tree }, { directory, keys: wish.encryptFor })
    const { entry = askedEntry(start, wish.platform) } = wish
    const content = { kind: 'archive' as const, sha256, sizeBytes, ...(entry !== undefined && { entry }) }
    const upload = { kind: 'archive' as const, path: zip.path, sha256, sizeBytes, contentType: CONTENT_TYPE }
    return { content, uploads: [upload], tree }
  },

  stated({ content, tree, sealed }) {
    if (!sealed) return statedArchive({ ...zipOf(content), tree })
    const { sha256, sizeBytes } = sealed
    return statedArchive({ sha256, sizeBytes, tree, encrypted: zipOf(content) })
  },
  isSame(published, { content, sealed }) {
    if (published.kind !== 'archive' || content.kind !== 'archive') return false
    // Encrypted once more, the same is other bytes.
    if (published.encryption && sealed) {
      const { plain, keyIds } = published.encryption
      return plain.sha256 === sealed.sha256 && keyIds.join() === sealed.keyIds.join()
    }
    return published.sha256 === content.sha256
  },

  told: ({ files }) => ({
    fileCount: files.length,
    unpackedBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }),

  describe({ from, files, sourceMaps, ready }, { entry }, { content, sealed }) {
    const { sha256, sizeBytes } = sealed ?? zipOf(content)
    const lines = {
      Bundle: `${formatCount(files.length, 'file')} of ${from}, ${ready ? 'as it is,' : 'zipped'} ${formatBytes(sizeBytes)}`,
      ...(entry && { Entry: `${entry.name}, ${describeEntry(entry.kind)}` }),
      'SHA-256': sha256,
      ...(sealed && { Encrypted: `for ${sealed.keyIds.join(', ')}` }),
      ...sourceMapLines(files, sourceMaps),
    }
    const json = {
      content: {
        kind: 'archive',
        sha256,
        sizeBytes,
        fileCount: files.length,
        ...(sealed && { encryptedFor: sealed.keyIds }),
      },
      entry: entry && { name: entry.name, ...entry.kind },
    }
    return { lines, json }
  },
}

/** What is sent is the encrypted file; the zip stays here. */
async function encryptZip(
  context: CliContext,
  { zip: { path, sha256, sizeBytes }, tree }: { zip: UnpackedZip; tree: string },
  { directory, keys }: { directory: string; keys: readonly EncryptionKey[] },
): Promise<PackedContent> {
  const facts = { purpose: 'archive' as const, sha256, sizeBytes, tree }
  const encrypted = await encryptFile(context, path, join(directory, ENCRYPTED_ARCHIVE_NAME), { facts, keys })
  const bytes = { kind: 'archive' as const, sha256: encrypted.sha256, sizeBytes: encrypted.sizeBytes }
  return {
    content: bytes,
    uploads: [{ ...bytes, path: encrypted.path, contentType: 'application/octet-stream' }],
    tree,
    sealed: { sha256, sizeBytes, keyIds: keys.map(({ keyId }) => keyId) },
  }
}

/** Of a zip that was packed here, all is known. */
export function zipOf(content: NewReleaseContent): { sha256: string; sizeBytes: number } {
  if (content.kind === 'archive') {
    const { sha256, sizeBytes } = content
    if (sha256 !== undefined && sizeBytes !== undefined) return { sha256, sizeBytes }
  }
  throw new Error('Expected one zip.')
}

function recogniseProject({ platform }: ContentWish): Recognition {
  if (isBundled(platform)) return yes('React Native bundle', `React Native's bundler makes it for ${platform}`)
  return {
    isOfKind: false,
    expected: `android or ios, for which React Native's bundler makes bundles`,
    found: platform,
    advice: 'Give a bundle that is ready: --bundle-dir.',
  }
}

/** Any folder can be an archive; whether it is one that devices can run, the check says. */
async function recogniseFolder(path: string, wish: ContentWish): Promise<Recognition> {
  const names = new Set(await readdir(path))
  const start = await chooseStartFile(wish, names)
  if (!start) return yes('archive', 'it is a folder')
  const has = names.has(start.name) ? 'has' : 'should have'
  return yes(start.flavour, `the folder ${has} ${start.name}`)
}

/** What every zip begins with that has something in it. */
const ZIP_HEAD = Buffer.from('PK\x03\x04')

async function recogniseZip(path: string): Promise<Recognition> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(ZIP_HEAD.length), 0, ZIP_HEAD.length, 0)
    if (buffer.equals(ZIP_HEAD)) return yes('archive', 'it is a zip')
    const found = bytesRead === 0 ? 'an empty file' : 'a file that does not begin as a zip does'
    return { isOfKind: false, expected: `a zip at ${path}`, found, advice: 'A folder is given with --bundle-dir.' }
  } finally {
    await handle.close()
  }
}

const notAsFiles: Recognition = {
  isOfKind: false,
  expected: 'what becomes one zip',
  found: 'a folder that is to be published as files',
  advice: 'As a zip: --kind archive.',
}

const yes = (as: string, because: string): Recognition => ({ isOfKind: true, as, because })

function buildProject(context: CliContext, input: ProjectInput, { platform, projectDirectory }: ContentWish) {
  const { kind: _, ...build } = input
  if (!isBundled(platform)) throw new Error(`Nobody recognised a project for ${platform}.`)
  return buildBundle(context, { ...build, platform, projectDirectory })
}

/** It is unpacked to be looked through; what is published is the zip. */
async function collectZip(context: CliContext, path: string, { wish, directory }: Working): Promise<CollectedArchive> {
  const { zip, files } = await unpackZip(context, path, directory)
  const { sourceMaps } = withoutSourceMaps(files)
  const start = await chooseStartFile(wish, namesAtRoot(files))
  return { from: path, files, sourceMaps, start, isShareable: isWeb(start), ready: zip }
}

const isWeb = (start: StartFile | undefined) => start?.flavour === 'web bundle'

/** What is published as it is has them still. */
function mapFindings([first, ...others]: readonly ContentFile[]): ReleaseFinding[] {
  if (!first) return []
  const found = `${formatCount(others.length + 1, 'source map')}, such as ${first.name}`
  const advice =
    'Whoever has the zip can read the sources. Leave them out of it, or say that it is meant: --source-maps.'
  return [{ check: 'source-maps', severity: 'warning', expected: 'a zip without source maps', found, advice }]
}

function namesAtRoot(files: readonly ContentFile[]): ReadonlySet<string> {
  return new Set(files.map(({ name }) => name).filter((name) => !name.includes('/')))
}

function sourceMapLines(files: readonly ContentFile[], sourceMaps: readonly ContentFile[]): Record<string, string> {
  const [first] = sourceMaps
  if (!first) return {}
  const count = formatCount(sourceMaps.length, 'source map')
  const isPublished = files.some(({ name }) => name === first.name)
  const text = isPublished
    ? `${count} published, too: whoever has it can read the sources`
    : `${count} left out, and kept here`
  return { 'Source maps': text }
}
