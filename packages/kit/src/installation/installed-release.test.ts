import { utf8FromText } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { createLossyDisk, type LossyDisk } from '../testing/lossy-disk.ts'
import { readInstalledRelease, writeInstalledRelease } from './installed-release.ts'

const FILE = 'substratum-kit-release.json'
const kitOf = (releaseId: string, sequence: number) => ({
  releaseId,
  channel: 'stable',
  sequence,
  components: { web: { version: releaseId } },
})

async function laid(document: object | string): Promise<LossyDisk> {
  const disk = createLossyDisk()
  await disk.write(FILE, utf8FromText(typeof document === 'string' ? document : JSON.stringify(document)))
  await disk.syncDirectory('')
  return disk
}

test('of none, what is installed is unknown', async () => {
  expect(await readInstalledRelease(createLossyDisk(), FILE)).toBeUndefined()
})

describe('one that cannot be read is no absent one, and people are told what to do', () => {
  test.each([
    ['nothing', ''],
    ['a part of it', '{"schema_version":1,"release_id":"2'],
    ['another schema', { schema_version: 2, release_id: '2', channel: 'stable', components: {} }],
    ['no release', { schema_version: 1, channel: 'stable', components: {} }],
    ['what is longer than any', ' '.repeat(256 * 1024 + 1)],
  ])('%s', async (_, document) => {
    const disk = await laid(document)
    await expect(readInstalledRelease(disk, FILE)).rejects.toMatchObject({
      code: 'installed-invalid',
      message: expect.stringMatching(
        new RegExp(`${FILE} does not say what is installed: .*Put back a copy that you have, or move the file away`),
      ),
    })
  })

  test('what is no UTF-8', async () => {
    const disk = createLossyDisk()
    await disk.write(FILE, Uint8Array.from([0xff, 0xfe]))
    await expect(readInstalledRelease(disk, FILE)).rejects.toMatchObject({ code: 'installed-invalid' })
  })

  test('a folder', async () => {
    const disk = createLossyDisk()
    await disk.makeDirectory(FILE)
    await expect(readInstalledRelease(disk, FILE)).rejects.toMatchObject({ code: 'installed-invalid' })
  })
})

test.each(['worst', 'best', { random: pseudoRandom() }] as const)(
  'the power goes at any change of a write (%j): it is the old one or the new one, and the new one once it says so',
  async (survival) => {
    const start = createLossyDisk()
    await writeInstalledRelease(start, FILE, kitOf('1', 1))
    const seen = new Set<string>()
    for (let stopAt = 1; ; stopAt += 1) {
      const disk = start.copy()
      disk.arrange({ stopAt })
      const failure = await writeInstalledRelease(disk, FILE, kitOf('2', 2)).catch((error: unknown) => error)
      const left = disk.cutPower(survival)
      const found = await readInstalledRelease(left, FILE)
      expect(['1', '2']).toContain(found?.releaseId)
      seen.add(found?.releaseId ?? 'none')
      if (failure === undefined) {
        expect(found).toMatchObject(kitOf('2', 2))
        break
      }
      expect(disk.hasStopped()).toBe(true)
      // What a torn write has left beside it is in the way of nobody.
      await writeInstalledRelease(left, FILE, kitOf('3', 3))
      expect((await readInstalledRelease(left, FILE))?.releaseId).toBe('3')
    }
    expect([...seen].sort()).toEqual(['1', '2'])
  },
)

test('a full disk leaves the old one', async () => {
  const disk = createLossyDisk()
  await writeInstalledRelease(disk, FILE, kitOf('1', 1))
  disk.arrange({ fullAt: 1 })
  await expect(writeInstalledRelease(disk, FILE, kitOf('2', 2))).rejects.toMatchObject({ code: 'ENOSPC' })
  expect((await readInstalledRelease(disk, FILE))?.releaseId).toBe('1')
})

test('fields that are not known are kept', async () => {
  const document = {
    schema_version: 1,
    release_id: '1',
    channel: 'stable',
    components: { web: { version: '1' } },
    site: ['north', { of: 'somebody' }],
  }
  const disk = await laid(document)
  const found = await readInstalledRelease(disk, FILE)
  if (!found) throw new Error('expected what was written')
  await writeInstalledRelease(disk, FILE, found)
  expect(JSON.parse(Buffer.from((await disk.read(FILE)) ?? []).toString())).toEqual(document)
})

function pseudoRandom(): () => number {
  let state = 7
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
