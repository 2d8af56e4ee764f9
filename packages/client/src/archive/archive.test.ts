import { utf8FromText } from '@hotpatch/protocol'
import { createHash } from 'node:crypto'
import { writeZip } from '@hotpatch/testkit/archives'
import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/archives.json' with { type: 'json' }
import { bytesFromBase64 } from '../ground/bytes.ts'
import { createMemoryFiles } from '../memory/memory-files.ts'
import { createNodeCrypto } from '../node/node-crypto.ts'
import { inspectSlot } from '../state/release-tree.ts'
import { DEFAULT_LIMITS } from '../ground/settings.ts'
import { PENDING, PENDING_ZIP } from '../state/storage-layout.ts'
import { installArchive, openArchive } from './archive-installer.ts'
import type { InstallLimits } from '../install/installer.ts'

const crypto = createNodeCrypto()
const release = { releaseId: 'release-1', version: '1.0.0', sequence: 1, sha256: '0'.repeat(64) }
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function extract(zip: Uint8Array, limits: InstallLimits = DEFAULT_LIMITS) {
  const files = createMemoryFiles()
  await files.makeDirectory(PENDING)
  await files.write(PENDING_ZIP, zip)
  const failure = await installArchive({
    ports: { files, crypto },
    settings: { limits },
    download: { path: PENDING_ZIP, sizeBytes: zip.length },
    release,
    makeWay: async () => undefined,
  }).catch((error: unknown) => error)
  return { files, failure }
}

describe('archives that are what they say', () => {
  const big = new Uint8Array(900_000).map((_, index) => (index * index) >> 7)
  const content = {
    'index.bundle': utf8FromText('hello '.repeat(1000)),
    'assets/deep/big.bin': big,
    'assets/empty.txt': new Uint8Array(),
    'assets/Ünïcode ☃.txt': utf8FromText('snow'),
  }

  test.each([
    ['packed', zipSync(content)],
    ['stored', zipSync(content, { level: 0 })],
    [
      'with directories, one of them empty',
      writeZip([{ name: 'a/', unixMode: 0o040755 }, { name: 'a/b' }, { name: 'c/' }]),
    ],
  ])('%s: unpacked, marked, and whole', async (_, zip) => {
    const { files, failure } = await extract(zip)
    expect(failure).toBeUndefined()
    expect(await inspectSlot({ files, crypto }, 'pending', { thorough: true })).toEqual(release)
    // The engine's next step, the metadata, makes these durable.
    await files.syncDirectory('')
    await files.syncDirectory('ota')
    const survivor = files.cutPower('worst')
    expect(await inspectSlot({ files: survivor, crypto }, 'pending', { thorough: true })).toEqual(release)
  })

  test('every byte arrives', async () => {
    const { files } = await extract(zipSync(content))
    for (const [path, bytes] of Object.entries(content)) {
      expect(await files.read(`ota/pending/files/${path}`)).toEqual(bytes)
    }
  })
})

test('which files are executable is told, and devices make none so', async () => {
  const files = createMemoryFiles()
  const zip = writeZip([
    { name: 'run/', unixMode: 0o040755 },
    { name: 'run/start', unixMode: 0o100755 },
    { name: 'run/by-others-alone', unixMode: 0o100655 },
    { name: 'run/text', unixMode: 0o100644 },
    { name: 'run/of-no-type', unixMode: 0o755 },
  ])
  await files.write('zip', zip)
  const limits = { fileCount: 10, pathBytes: 100, unpackedBytes: 1000 }
  const archive = await openArchive({ files, crypto }, { path: 'zip', sizeBytes: zip.length }, limits)
  expect(archive.executables).toEqual(['run/start'])
})

describe('archives that the server judges as well (Engine §4)', () => {
  test.each(vectors.cases)('$comment', async ({ rule, zip, limits, files: expected }) => {
    const { maxFiles, maxUnpackedBytes, maxPathBytes } = { ...vectors.limits, ...limits }
    const bounds = { fileCount: maxFiles, unpackedBytes: maxUnpackedBytes, pathBytes: maxPathBytes }
    const { files, failure } = await extract(bytesFromBase64(zip) ?? expect.unreachable(), bounds)
    if (!expected) {
      expect(rule).not.toBeNull()
      expect(failure).toMatchObject({ code: 'archive-invalid' })
      expect(await inspectSlot({ files, crypto }, 'pending')).toBeUndefined()
      return
    }
    expect(failure).toBeUndefined()
    expect(await inspectSlot({ files, crypto }, 'pending', { thorough: true })).toEqual(release)
    const tree = files.tree('ota/pending/files') ?? expect.unreachable()
    tree.delete('.hotpatch.json')
    const unpacked = [...tree].map(([path, bytes]) => ({ path, sizeBytes: bytes.length, sha256: sha256Of(bytes) }))
    expect(unpacked.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(expected)
  })
})

test('a file grows no larger than it says, however its bytes come', async () => {
  const zip = writeZip([{ name: 'a', content: Buffer.alloc(3_000_000), unpackedBytes: 100_000 }])
  const { files, failure } = await extract(zip)
  expect(failure).toMatchObject({ message: expect.stringContaining('larger than it says') })
  expect((await files.stat('ota/pending/files/a'))?.sizeBytes ?? 0).toBeLessThanOrEqual(100_000)
})
