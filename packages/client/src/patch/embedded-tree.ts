import { readObject, readString } from '@hotpatch/protocol'
import { treeDigest, treeFault } from '@hotpatch/delta'
import { binaryOf, isSameBinary, readBinary, type Binary } from '../ground/binary.ts'
import { readJson, writeJson } from '../ground/json-file.ts'
import type { EmbeddedFilesPort, Ports } from '../ground/ports.ts'
import type { Limits } from '../ground/settings.ts'
import { hashFile, readReleaseFiles, type ReleaseFile } from '../state/release-tree.ts'
import { EMBEDDED, ROOT } from '../state/storage-layout.ts'

/** What the binary shipped with. */
export interface EmbeddedTree {
  /** Patches §4. */
  tree: string
  files: readonly ReleaseFile[]
}

interface KnownTree extends EmbeddedTree {
  binary: Binary
  builtAt: number | null
}

export type EmbeddedPorts = Pick<Ports, 'files' | 'crypto' | 'host' | 'embeddedFiles'>

/**
 * Engine §5: hashed once for each binary, and remembered in ota/embedded.json. Nothing is trusted in it: what is read as a
 * base is hashed again. Undefined where the host does not show it, or shows what no release could be.
 */
export async function findEmbeddedTree(ports: EmbeddedPorts, limits: Limits): Promise<EmbeddedTree | undefined> {
  const { files, host, embeddedFiles } = ports
  if (!embeddedFiles) return undefined
  const listed = await embeddedFiles.list()
  if (!isTree(listed, limits)) return undefined
  const known = await readJson(files, EMBEDDED, readKnownTree)
  const builtAt = host.builtAt ?? null
  const isSame = known?.builtAt === builtAt && isSameBinary(known.binary, binaryOf(host)) && isListOf(known, listed)
  if (isSame) return known
  const found = await hashTree(ports, embeddedFiles, listed)
  if (found) await remember(ports, { ...found, binary: binaryOf(host), builtAt })
  return found
}

/** It turned out to be something else: the next time it is hashed anew. */
export async function forgetEmbeddedTree({ files }: Pick<Ports, 'files'>): Promise<void> {
  await files.remove(EMBEDDED)
}

function isTree(listed: Awaited<ReturnType<EmbeddedFilesPort['list']>>, limits: Limits): boolean {
  if (listed.length === 0 || listed.length > limits.fileCount) return false
  const bytes = listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (!Number.isSafeInteger(bytes) || bytes > limits.unpackedBytes) return false
  return treeFault(listed.map(({ path, sizeBytes }) => ({ path, sizeBytes, sha256: '' }))) === undefined
}

function isListOf({ files }: KnownTree, listed: readonly { path: string; sizeBytes: number }[]): boolean {
  const sizes = new Map(files.map(({ path, sizeBytes }) => [path, sizeBytes]))
  return sizes.size === listed.length && listed.every(({ path, sizeBytes }) => sizes.get(path) === sizeBytes)
}

async function hashTree(
  { crypto }: EmbeddedPorts,
  from: EmbeddedFilesPort,
  listed: readonly { path: string; sizeBytes: number }[],
): Promise<EmbeddedTree | undefined> {
  const files: ReleaseFile[] = []
  for (const { path, sizeBytes } of listed) {
    files.push({ path, sizeBytes, sha256: await hashFile({ files: from, crypto }, path, sizeBytes) })
  }
  return { files, tree: await treeDigest(files, () => crypto.sha256()) }
}

async function remember({ files }: EmbeddedPorts, known: KnownTree): Promise<void> {
  try {
    await files.makeDirectory(ROOT)
    await writeJson(files, EMBEDDED, known)
  } catch {
    // A full disk: it is hashed again the next time.
  }
}

function readKnownTree(value: unknown): KnownTree {
  const json = readObject(value, '')
  return {
    binary: readBinary(json.binary, '/binary'),
    builtAt: typeof json.builtAt === 'number' ? json.builtAt : null,
    tree: readString(json.tree, '/tree'),
    files: readReleaseFiles(json.files),
  }
}
