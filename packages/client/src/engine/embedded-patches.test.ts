import { utf8FromText } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { createDevice } from '../testing/device.ts'
import { createFakeServer, type FakeServer } from '../testing/fake-server.ts'
import { patchFromEmbedded } from '../testing/patches.ts'
import { createPublisher, treeOf } from '../testing/publisher.ts'

const publisher = createPublisher()
/** What the binary shipped with. */
const shipped = publisher.publish({ version: '0.9.0', sequence: 9 })
const update = publisher.publish({ version: '1.0.0', sequence: 10 })
const patch = await patchFromEmbedded(shipped, update)
const tree = treeOf(shipped.files)
const shippedBytes = [...shipped.files.values()].reduce((sum, { length }) => sum + length, 0)

/** A device that was just installed, and is offered 1.0.0. */
function newDevice(embedded: ReadonlyMap<string, Uint8Array> | null = shipped.files) {
  const server = createFakeServer()
  const device = createDevice({ server, publicKeys: [publisher.publicKey], ...(embedded && { embedded }) })
  server.target = { release: update }
  server.patches = [patch]
  return { server, device }
}

function fetched(server: FakeServer): string[] {
  return server.downloads().map(({ url }) => (url.endsWith(update.sha256) ? 'bundle' : 'patch'))
}

const others = (path: string, text: string) => new Map([...shipped.files, [path, utf8FromText(text)]])

describe('an update of what the binary shipped with', () => {
  test('comes as a patch, is staged, and is whole', async () => {
    const { server, device } = newDevice()
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: update.releaseId })
    expect(server.checks[0]).toMatchObject({ embeddedUpdateId: tree, patches: ['hpdelta1-br', 'hpdelta1-deflate'] })
    expect(fetched(server)).toEqual(['patch'])
    expect(server.reports[1]).toMatchObject({ kind: 'downloaded', receivedBytes: patch.bytes.length })
    expect(device.identify(await device.boot(), [update])).toBe('1.0.0')
    await device.engine.check()
    expect(server.checks.at(-1)).not.toHaveProperty('embeddedUpdateId')
  })

  test('is told by a digest that is made once, and not at a start', async () => {
    const { server, device } = newDevice()
    await device.boot()
    expect(device.embeddedReads).toBe(0)
    await device.engine.check()
    expect(device.embeddedReads).toBe(shippedBytes)
    for (let start = 0; start < 3; start += 1) {
      await device.boot()
      await device.engine.check()
    }
    expect(device.embeddedReads).toBe(shippedBytes)
    expect(server.checks.map(({ embeddedUpdateId }) => embeddedUpdateId)).toEqual([tree, tree, tree, tree])
  })

  test.each([
    ['another build', { nativeBuild: '8' }],
    ['another version', { nativeVersion: '1.1' }],
    ['another time of its build', { builtAt: 1_700_000_000_000 }],
  ])('is told anew by %s', async (_, change) => {
    const { server, device } = newDevice()
    await device.boot()
    await device.engine.check()
    device.host = { ...device.host, ...change }
    device.embedded = update.files
    await device.boot()
    await device.engine.check()
    expect(server.checks.at(-1)).toMatchObject({ embeddedUpdateId: treeOf(update.files) })
  })

  test('and of a binary of the same name that has other files', async () => {
    const { server, device } = newDevice()
    await device.boot()
    await device.engine.check()
    device.embedded = others('more.txt', 'more')
    await device.boot()
    await device.engine.check()
    expect(server.checks.at(-1)).toMatchObject({ embeddedUpdateId: treeOf(others('more.txt', 'more')) })
  })

  test('is told also where the disk takes no note of it', async () => {
    const { server, device } = newDevice()
    device.disk().arrange({ fullAt: 1 })
    await device.boot()
    await device.engine.check()
    expect(server.checks[0]).toMatchObject({ embeddedUpdateId: tree })
  })
})

describe('a binary of which nothing can be made', () => {
  const big = { length: 2 ** 40 } as Uint8Array
  test.each<[string, ReadonlyMap<string, Uint8Array> | null]>([
    ['that the host does not show', null],
    ['without files', new Map()],
    ['with a path that is none', others('../evil', 'evil')],
    ['with two files at one place', others('INDEX.bundle', 'other')],
    ['with more bytes than any release may have', new Map([...shipped.files, ['big', big]])],
    ['that cannot be read', new Map([...shipped.files, ['gone', undefined as unknown as Uint8Array]])],
  ])('%s: nothing is told, and the bundle comes', async (_, embedded) => {
    const { server, device } = newDevice(embedded)
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(server.checks[0]).not.toHaveProperty('embeddedUpdateId')
    expect(fetched(server)).toEqual(['bundle'])
    expect(device.identify(await device.boot(), [update])).toBe('1.0.0')
  })
})

describe('a patch that is not for what is in the binary', () => {
  test('is not fetched where the server made it of another one', async () => {
    const { server, device } = newDevice()
    server.patches = [{ ...patch, offer: { ...patch.offer, baseTree: '0'.repeat(64) } }]
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual(['bundle'])
    expect(server.kinds()).toEqual(['download-started', 'download-failed:patch-failed', 'downloaded'])
  })

  test('is given up where the binary has other bytes than were noted, once, and it is looked at anew', async () => {
    const { server, device } = newDevice()
    await device.boot()
    await device.engine.check()
    // Of a build whose version nobody raised.
    const changed = new Map([...shipped.files].map(([path, bytes]) => [path, bytes.map((byte) => byte ^ 1)]))
    device.embedded = changed
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: update.releaseId })
    expect(fetched(server)).toEqual(['patch', 'bundle'])
    expect(server.reports.find(({ code }) => code === 'patch-failed')?.detail).toMatch(/^base-differs: /)
    expect(device.engine.status().failedReleaseIds).toEqual([])
    server.target = null
    await device.engine.check()
    await device.engine.check()
    expect(server.checks.at(-1)).toMatchObject({ embeddedUpdateId: treeOf(changed) })
  })

  test.each(['{', '{"tree":7}', '[]', '\u0000'])('a note that says %j is made anew', async (note) => {
    const { server, device } = newDevice()
    await device.disk().makeDirectory('ota')
    await device.disk().write('ota/embedded.json', utf8FromText(note))
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(server.checks[0]).toMatchObject({ embeddedUpdateId: tree })
    expect(fetched(server)).toEqual(['patch'])
  })
})
