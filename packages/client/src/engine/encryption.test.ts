import { describe, expect, test } from 'vitest'
import type { EngineEvent } from '../ground/engine-event.ts'
import type { EngineConfig } from '../ground/settings.ts'
import { PENDING } from '../state/storage-layout.ts'
import { createDevice } from '../testing/device.ts'
import { encryptFor, encryptPatch, newTestKey, publishEncrypted, type Encrypt } from '../testing/encryption.ts'
import { chunked, createFakeServer, serveRange } from '../testing/fake-server.ts'
import { patchBetween } from '../testing/patches.ts'
import { createPublisher, sha256Of, treeOf, type PublishedRelease } from '../testing/publisher.ts'

const publisher = createPublisher()
const [key, next, foreign] = await Promise.all([newTestKey(), newTestKey(), newTestKey()])
const encrypt = encryptFor([key])
/** Of several chunks. */
const long = Array.from({ length: 3_000 }, (_, line) => sha256Of(Buffer.from(String(line)))).join('\n')
const good = await publishEncrypted(publisher, { version: '1.0.0', sequence: 10 }, encrypt)
const files = { 'index.bundle': `kept from whoever serves it\n${long}` }
const update = await publishEncrypted(publisher, { version: '1.1.0', sequence: 11, files }, encrypt)

function newDevice(keys: readonly { configured: string }[] = [key], config: Partial<EngineConfig> = {}) {
  const server = createFakeServer()
  const decryptionKeys = keys.map(({ configured }) => configured)
  const device = createDevice({ server, publicKeys: [publisher.publicKey], config: { decryptionKeys, ...config } })
  const events: EngineEvent[] = []
  return { server, device, events }
}

/** Its first update is this one. */
async function take(
  release: PublishedRelease,
  keys?: readonly { configured: string }[],
  config?: Partial<EngineConfig>,
) {
  const { server, device } = newDevice(keys, config)
  server.target = { release }
  await device.boot()
  const outcome = await device.engine.sync()
  await device.engine.flushReports()
  return { server, device, outcome }
}

const publish = (encrypting: Encrypt) =>
  publishEncrypted(publisher, { version: '1.1.0', sequence: 11, files }, encrypting)

describe('an encrypted release', () => {
  test('is opened, held against what was signed, and runs; nothing of it is left over', async () => {
    const { server, device, outcome } = await take(update)
    expect(outcome).toMatchObject({ kind: 'staged', releaseId: update.releaseId })
    expect([...(device.disk().tree(PENDING)?.keys() ?? [])].filter((path) => !path.startsWith('files/'))).toEqual([])
    const launched = await device.boot()
    expect(device.identify(launched, [update])).toBe('1.1.0')
    expect(server.checks[0]).toMatchObject({ decryptionKeyId: key.keyId })
    expect(server.downloads().map(({ url }) => url.split('/').at(-1))).toEqual([update.encrypted?.offer.sha256])
    expect(JSON.stringify(server.requests)).not.toContain(key.configured)
  })

  test('is opened with whichever key it is for, as when keys are replaced', async () => {
    const forBoth = await publish(encryptFor([key, next]))
    for (const keys of [[key], [next], [foreign, next]]) {
      expect((await take(forBoth, keys)).outcome).toMatchObject({ kind: 'staged' })
    }
    const { server } = await take(forBoth, [foreign, next])
    expect(server.checks[0]).toMatchObject({ decryptionKeyId: `${foreign.keyId},${next.keyId}` })
  })

  test('is taken without signatures, too', async () => {
    const { server, device } = newDevice()
    const unsigned = createDevice({ server, config: { decryptionKeys: [key.configured] } })
    server.target = { release: update }
    await unsigned.boot()
    expect(await unsigned.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(device.restarts).toBe(0)
  })

  test('goes on where its download was cut, also in another process', async () => {
    const { server, device } = newDevice([key], { limits: { attempts: 1 } })
    server.target = { release: update }
    const { bytes } = update.encrypted as NonNullable<typeof update.encrypted>
    server.intercept = (request) =>
      request.method === 'GET' ? { ...serveRange(bytes, request), body: chunked(bytes, 150, 30_000) } : undefined
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'download-failed' })
    server.intercept = () => undefined
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(server.downloads().at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d+-$/)
  })

  test('comes as an encrypted patch of what runs, and whole where that does not open', async () => {
    const made = await patchBetween(good, update)
    for (const [keys, isTaken] of [
      [[key], true],
      [[foreign], false],
    ] as const) {
      const { server, device, events } = newDevice()
      server.target = { release: good }
      await device.boot()
      await device.engine.sync()
      await device.boot()
      await device.engine.confirm()
      device.engine.subscribe((event) => events.push(event))
      server.target = { release: update }
      server.patches = [await encryptPatch(made, { base: good, target: update, encrypt: encryptFor(keys) })]
      server.requests.length = 0
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
      expect(server.downloads()).toHaveLength(isTaken ? 1 : 2)
      const reasons = events.flatMap((event) => (event.type === 'patch-failed' ? [event.reason] : []))
      expect(reasons).toEqual(isTaken ? [] : ['decryption-failed'])
      expect(device.identify(await device.boot(), [update])).toBe('1.1.0')
    }
  })
})

describe('refused before a byte is fetched', () => {
  test.each([
    ['for another key', [foreign], 'decryption-key-missing'],
    ['by a binary without a key', [], 'decryption-key-missing'],
  ])('is a release %s', async (_case, keys, code) => {
    const { server, device, outcome } = await take(update, keys)
    expect(outcome).toMatchObject({ kind: 'failed', code })
    expect(server.downloads()).toEqual([])
    expect(server.kinds()).toEqual([`failed:${code}`])
    expect(JSON.stringify(server.requests)).not.toContain(foreign.configured)
    // Told once, and asked for again by no download.
    await device.engine.sync()
    await device.engine.flushReports()
    expect(server.kinds()).toEqual([`failed:${code}`])
    expect((await device.boot()).kind).toBe('embedded')
  })

  test('and taken by the next binary, which has its key', async () => {
    const { server, device } = await take(update, [foreign])
    const { server: later, device: updated } = newDevice([foreign, key])
    later.target = server.target
    await updated.boot(device.disk())
    expect(await updated.engine.sync()).toMatchObject({ kind: 'staged' })
  })

  test.each([
    ['an algorithm that is not known', { algorithm: 'hotpatch-v2' }, 'encryption-unknown'],
    ['another encrypted file than the statement has', { sha256: '0'.repeat(64) }, 'statement-invalid'],
    ['another size of it', { sizeBytes: 1 }, 'statement-invalid'],
  ])('is %s', async (_case, changes, code) => {
    const { server, device } = newDevice()
    server.target = { release: update }
    server.tamper = (answer) => ({ ...answer, encryption: { ...(answer.encryption as object), ...changes } })
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code })
    expect(server.downloads()).toEqual([])
  })

  test('is an encrypted release whose answer is of none, and the other way round', async () => {
    const plain = publisher.publish({ version: '1.3.0', sequence: 13 })
    for (const [release, encryption] of [
      [update, undefined],
      [plain, update.encrypted?.offer],
    ] as const) {
      const { server, device } = newDevice()
      server.target = { release }
      server.tamper = (answer) => ({ ...answer, encryption })
      await device.boot()
      expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'statement-invalid' })
      expect(server.downloads()).toEqual([])
    }
  })

  test('is an encryption that is not as it must be', async () => {
    const { server, device } = newDevice()
    server.target = { release: update }
    server.tamper = (answer) => ({ ...answer, encryption: { algorithm: 'hotpatch-v1' } })
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'answer-invalid' })
  })
})

describe('what was signed, and does not open', () => {
  const flipped = (at: (file: Buffer) => number) => (file: Buffer) => {
    const copy = Buffer.from(file)
    const index = at(copy)
    copy[index] = (copy[index] ?? 0) ^ 1
    return copy
  }
  test.each([
    [
      'a damaged chunk',
      encryptFor(
        [key],
        flipped((file) => file.length - 80_000),
      ),
      'damaged',
    ],
    [
      'a damaged last byte',
      encryptFor(
        [key],
        flipped((file) => file.length - 1),
      ),
      'damaged',
    ],
    [
      'a damaged header',
      encryptFor(
        [key],
        flipped(() => 40),
      ),
      'damaged',
    ],
    [
      'a version that is not known',
      encryptFor(
        [key],
        flipped(() => 7),
      ),
      'unknown',
    ],
    ['a zip', encryptFor([key], () => Buffer.from(update.bundle)), 'unknown'],
    ['a cut file', encryptFor([key], (file) => file.subarray(0, -1)), 'damaged'],
    ['something behind it', encryptFor([key], (file) => Buffer.concat([file, Buffer.alloc(9)])), 'damaged'],
    ['a patch', lie({ purpose: 'patch', patch: { format: 'hpdelta1-br', baseTree: '0'.repeat(64) } }), 'damaged'],
    ['another tree', lie({ tree: '0'.repeat(64) }), 'damaged'],
    ['something else inside', lie({ sha256: '0'.repeat(64) }), 'damaged'],
    ['a key that is not among those that the answer names', unnamed(), 'key-missing'],
  ])('%s: reported once, and never tried again', async (_case, encrypting, reason) => {
    const { server, device, outcome } = await take(await publish(encrypting))
    expect(outcome).toMatchObject({ kind: 'failed', code: 'decryption-failed' })
    expect(server.reports.at(-1)).toMatchObject({ kind: 'failed', code: 'decryption-failed' })
    expect(server.reports.at(-1)?.detail).toMatch(new RegExp(`^${reason}: `))
    expect([...(device.disk().tree(PENDING)?.keys() ?? [])]).toEqual([])
    const downloads = server.downloads().length
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'up-to-date', reason: 'failed-on-this-device' })
    expect(server.downloads()).toHaveLength(downloads)
    expect(device.engine.status().running.kind).toBe('embedded')
  })

  function lie(facts: Parameters<Encrypt>[1] | object): Encrypt {
    return (plain, told) => encrypt(plain, { ...told, ...facts })
  }

  function unnamed(): Encrypt {
    return async (plain, facts) => {
      const { bytes, offer } = await encryptFor([foreign])(plain, facts)
      return { bytes, offer: { ...offer, keyIds: [key.keyId] } }
    }
  }
})

/** Engine §6, for the way of one encrypted update, whole and as a patch: the short form of the matrices of the other kinds. */
describe.each(['worst', 'best'] as const)(
  'the power goes, or the disk is full, at every change of the disk (%s case)',
  (survival) => {
    const small = { 'index.bundle': 'one', 'assets/a.txt': 'same' }
    async function story() {
      const first = await publishEncrypted(publisher, { version: '1.0.0', sequence: 10, files: small }, encrypt)
      const changed = { ...small, 'index.bundle': 'two' }
      const second = await publishEncrypted(publisher, { version: '1.1.0', sequence: 11, files: changed }, encrypt)
      const made = await patchBetween(first, second)
      const third = publisher.publish({ version: '1.2.0', sequence: 12, files: small })
      return { first, second, third, patch: await encryptPatch(made, { base: first, target: second, encrypt }) }
    }

    async function confirmed(release: PublishedRelease) {
      const { server, device } = newDevice()
      server.target = { release }
      await device.boot()
      await device.engine.sync()
      await device.boot()
      await device.engine.confirm()
      return { server, device }
    }

    test.each([
      ['whole', false, 'stopAt'],
      ['as a patch', true, 'stopAt'],
      ['whole', false, 'fullAt'],
      ['as a patch', true, 'fullAt'],
    ] as const)(
      'it comes %s: what starts is whole, and it arrives in the end',
      async (_case, isPatched, disturbance) => {
        const { first, second, third, patch } = await story()
        for (let at = 1; ; at += 1) {
          const { server, device } = await confirmed(first)
          server.target = { release: second }
          server.patches = isPatched ? [patch] : []
          device.disk().arrange({ [disturbance]: at })
          await device.engine.sync()
          const isOver = disturbance === 'stopAt' ? !device.disk().hasStopped() : at > 40
          device.cutPower(survival)
          expect(['1.0.0', '1.1.0']).toContain(device.identify(await device.boot(), [first, second]))
          await device.engine.sync()
          expect(device.identify(await device.boot(), [first, second]), `disturbed at ${at}`).toBe('1.1.0')
          expect(await device.engine.confirm()).toBe(true)
          // What the power left behind once it was staged goes with the next download.
          server.target = { release: third }
          server.patches = []
          await device.engine.sync()
          const left = [...(device.disk().tree(PENDING)?.keys() ?? [])]
          expect(
            left.filter((path) => !path.startsWith('files/')),
            `disturbed at ${at}`,
          ).toEqual([])
          if (!isOver) continue
          expect(at).toBeGreaterThan(20)
          break
        }
      },
    )
  },
)

test('keys are 32 bytes in base64, at most eight, and no message has one', () => {
  const { server } = newDevice()
  const refused = (decryptionKeys: string[]) => () => createDevice({ server, config: { decryptionKeys } }).boot()
  expect(refused(['c2hvcnQ='])).toThrow(/^decryption key 1 must be base64 of 32 bytes$/)
  expect(refused(Array.from({ length: 9 }, () => key.configured))).toThrow(/^at most 8 decryption keys, found 9$/)
})

test('what is fetched is not what runs', () => {
  const { bytes } = update.encrypted as NonNullable<typeof update.encrypted>
  expect(Buffer.from(bytes).includes('kept from whoever')).toBe(false)
  expect(treeOf(update.files)).toHaveLength(64)
})
