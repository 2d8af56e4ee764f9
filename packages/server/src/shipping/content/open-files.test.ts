import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { temporaryDirectory } from '@hotpatch/testkit'
import { writeZip } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { createUploadSpool, type SpoolPart } from '../artifacts/upload-spool.ts'
import { archiveKind } from './archive/archive-kind.ts'
import { receiveFiles } from './receive-files.ts'

const COUNT = 200
/** As many as are unpacked at once, and the zip itself. */
const MAX_OPEN = 4
const limits = {
  maxBytes: 1_000_000,
  maxBinaryBytes: 1_000_000,
  maxFiles: 20_000,
  maxUnpackedBytes: 1_000_000,
  maxPathBytes: 300,
}
const zip = writeZip(
  Array.from({ length: COUNT }, (_, index) => ({ name: index === 0 ? 'index.html' : `${index}.js`, content: 'x' })),
)

/** A spool that says how many of its parts were open at most. */
async function countingSpool() {
  const directory = await temporaryDirectory()
  const spool = createUploadSpool({ directory, maxBytes: 1_000_000, idleTimeoutMs: 10_000, clock: { now: () => 1 } })
  const counted = { begun: 0, open: 0, most: 0 }
  async function begin(): Promise<SpoolPart> {
    const part = await spool.begin()
    counted.begun += 1
    counted.open += 1
    counted.most = Math.max(counted.most, counted.open)
    const finish = async () => {
      const finished = await part.finish()
      counted.open -= 1
      return finished
    }
    return { ...part, finish }
  }
  return { directory, counted, spool: { ...spool, begin } }
}

// A process has some thousand open files, its connections among them, and an archive may have 20,000.
test('a web bundle is unpacked with few files open at a time', async () => {
  const { directory, counted, spool } = await countingSpool()
  const path = join(directory, 'bundle.zip')
  await writeFile(path, zip)
  const bytes = { path, sha256: '', sizeBytes: zip.length, name: undefined, sha512: undefined }
  const { files } = await archiveKind.check(bytes, limits, { owned: undefined, begin: spool.begin })
  expect(files).toHaveLength(COUNT)
  // With the list of them.
  expect(counted).toMatchObject({ begun: COUNT + 1, open: 0 })
  expect(counted.most).toBeLessThanOrEqual(MAX_OPEN)
})

test('files that are sent in a zip are, too', async () => {
  const { counted, spool } = await countingSpool()
  const files = await receiveFiles(Readable.from([zip]), { spool, limits })
  expect(files).toHaveLength(COUNT)
  expect(counted).toMatchObject({ begun: COUNT, open: 0 })
  expect(counted.most).toBeLessThanOrEqual(MAX_OPEN)
})
