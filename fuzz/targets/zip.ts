import { checkContents } from '../../packages/server/src/shipping/content/archive/archive-contents.ts'
import { readArchiveDirectory as readOnServer } from '../../packages/server/src/shipping/content/archive/archive-directory.ts'
import { checkNoConflicts } from '../../packages/server/src/shipping/content/archive/archive-paths.ts'
import { extractInto } from '../../packages/client/src/archive/extract.ts'
import {
  readArchiveDirectory as readOnDevice,
  type ArchiveFile,
} from '../../packages/client/src/archive/read-directory.ts'
import { UpdateError } from '../../packages/client/src/ground/update-error.ts'
import { Problem, problem } from '@hotpatch/protocol'
import { createHash } from 'node:crypto'
import { Broken, type Target } from '../engine/target.ts'
import { fileOf } from '../reading/memory-file.ts'

const LIMITS = { maxFiles: 60, maxUnpackedBytes: 1_000_000, maxPathBytes: 300 }

type Files = ReadonlyMap<string, { sizeBytes: number; sha256: string }>

/** The same archive on the server, which lets it in, and on the device, which unpacks it. */
export const target: Target = {
  reads: 'archives, as the server takes them and as devices unpack them: what the one takes the other takes, the same',
  maxBytes: 4_000,
  async read(input) {
    const [server, device] = [await taken(() => onServer(input)), await taken(() => onDevice(input))]
    if (server === undefined) return
    if (device === undefined) throw new Broken('an archive that the server lets in and devices refuse')
    const [there, here] = [server, device].map((files) =>
      JSON.stringify([...files].sort(([a], [b]) => (a < b ? -1 : 1))),
    )
    if (there !== here) throw new Broken('an archive that the server and devices unpack to different files')
  },
  refuses: () => false,
}

async function taken(read: () => Promise<Files>): Promise<Files | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Problem || error instanceof UpdateError) return undefined
    throw error
  }
}

async function onServer(input: Uint8Array): Promise<Files> {
  const handle = fileOf(input)
  const { entries, offset } = await readOnServer(handle, LIMITS)
  checkNoConflicts(entries.map((entry) => entry.path))
  const files = entries.filter((entry) => !entry.isFolder)
  if (
    files.length === 0 ||
    files.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0) > LIMITS.maxUnpackedBytes
  ) {
    throw problem('invalid-archive', 'As archive-check.ts has it.')
  }
  const found = new Map<string, { sizeBytes: number; sha256: string }>()
  const openFile = (path: string) => {
    const hash = createHash('sha256')
    let sizeBytes = 0
    return Promise.resolve({
      write: (chunk: Uint8Array) => {
        hash.update(chunk)
        sizeBytes += chunk.length
        return Promise.resolve()
      },
      end: () => {
        found.set(path, { sizeBytes, sha256: hash.digest('hex') })
        return Promise.resolve()
      },
    })
  }
  await checkContents(handle, entries, offset, { openFile })
  return found
}

async function onDevice(input: Uint8Array): Promise<Files> {
  const files = {
    readRange: (_path: string, at: number, length: number) => Promise.resolve(input.subarray(at, at + length)),
  }
  const archive: ArchiveFile = { files, path: 'archive', sizeBytes: input.length }
  const entries = await readOnDevice(archive, {
    fileCount: LIMITS.maxFiles,
    unpackedBytes: LIMITS.maxUnpackedBytes,
    pathBytes: LIMITS.maxPathBytes,
  })
  const nothing = () => Promise.resolve()
  const written: string[] = []
  const ports = {
    files: {
      makeDirectory: nothing,
      write: (path: string) => (written.push(path), nothing()),
      append: nothing,
      sync: nothing,
    },
    crypto: { sha256: () => hasher() },
  } as unknown as Parameters<typeof extractInto>[0]
  const extracted = await extractInto(ports, archive, entries, 'root')
  if (written.some((path) => !path.startsWith('root/') || path.split('/').includes('..')))
    throw new Broken('a file outside of its folder')
  return new Map(extracted.map(({ path, sizeBytes, sha256 }) => [path, { sizeBytes, sha256 }]))
}

function hasher() {
  const hash = createHash('sha256')
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) }
}

export async function seeds() {
  const { archiveCases } = await import('@hotpatch/testkit/archives')
  return archiveCases.map(({ zip }) => zip).filter(({ length }) => length <= target.maxBytes)
}
