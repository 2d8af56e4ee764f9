import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { CAPGO } from '../android/android-classes.ts'
import { setStage } from '../android/stage.ts'
import { createStories } from '../stories.ts'
import { createFollowingApp, pageOf, PLUGIN, VERSIONS, type FollowingApp } from './app.ts'

/** Runs `@hotpatch/capacitor` over Capgo's plugin, its Java and Capacitor's as they are published. */
const { android, server, network, api, publish } = await setStage('capacitor')
const { play, end } = createStories(process.argv[2])

const downloads = () => network.passed().filter(({ path }) => path.startsWith('/artifacts/')).length
const page = (version: string, text = '') => ({ 'index.html': pageOf(version), 'app.js': `start(${version}) ${text}` })

async function onPhone(name: string, story: (app: FollowingApp) => Promise<void>): Promise<void> {
  await api.createApp({ slug: name, checkAccess: 'open', platforms: ['android'] })
  const serverUrl = `${server.url}/apps/${name}`
  const app = createFollowingApp({ android, name, serverUrl, javaOptions: network.options })
  await app.install()
  network.passed()
  try {
    await story(app)
  } finally {
    network.meddle(undefined)
    await app.phone.kill()
  }
}

/** What the server was told of the device, from the first on. */
async function heard(name: string, app: FollowingApp): Promise<string[]> {
  const { deviceId } = await app.phone.call<{ deviceId: string }>(PLUGIN, 'getDeviceId')
  const { events } = await api.getDevice(name, deviceId)
  return events.toReversed().map(({ kind, version, code }) => [kind, version, code].filter(Boolean).join(' '))
}

await play('an update is downloaded, asked about, taken, and stays', () =>
  onPhone('taken', async (app) => {
    assert.equal((await app.outcome()).kind, 'nothing')
    await publish('taken', '1.1.0', page('one'))
    assert.deepEqual(await app.comeBack(), { kind: 'asked', reason: 'version-differs', version: '1.1.0' })
    await app.shows('shipped')
    const [waiting] = await app.bundles()
    assert.equal(waiting?.status, 'pending')
    assert.deepEqual(await app.phone.files(`${VERSIONS}/${waiting?.id}`), page('one'))
    void app.updater().reload()
    await app.shows('one')
    assert.equal((await app.outcome()).reason, 'same-version')
    assert.deepEqual(await app.bundles(), [{ ...waiting, status: 'success' }])
    await app.phone.end()
    assert.equal((await app.start())?.reason, 'same-version')
    await app.shows('one')
    assert.equal(downloads(), 1)
    // The plugin takes the one before away when the next says that it works.
    await publish('taken', '1.2.0', page('two'))
    assert.equal((await app.comeBack()).kind, 'asked')
    void app.updater().reload()
    await app.shows('two')
    await app.outcome()
    await app.phone.until('the one before is gone', async () => (await app.bundles()).length === 1)
    const [kept] = await app.bundles()
    assert.deepEqual([kept?.version, kept?.status], ['1.2.0', 'success'])
    assert.deepEqual(Object.keys(await app.phone.files(`${VERSIONS}/${waiting?.id}`)), [])
    await app.phone.until('the server heard', async () => (await heard('taken', app)).includes('confirmed 1.2.0'))
    const events = await heard('taken', app)
    for (const event of ['downloaded 1.1.0', 'applied 1.1.0', 'confirmed 1.1.0', 'downloaded 1.2.0', 'applied 1.2.0']) {
      assert.ok(events.includes(event), event)
    }
  }),
)

await play('a bundle that does not come up is gone back from, told, and not offered twice', () =>
  onPhone('broken', async (app) => {
    await publish('broken', '1.1.0', page('one'))
    await app.comeBack()
    void app.updater().reload()
    await app.shows('one')
    await app.outcome()
    app.broken.add('two')
    await publish('broken', '1.2.0', page('two'))
    assert.equal((await app.comeBack()).kind, 'asked')
    network.passed()
    void app.updater().reload()
    await app.shows('two')
    // By its own timer: half a minute for a bundle that did not yet say that it works.
    await app.shows('one')
    assert.equal((await app.outcome()).reason, 'broken-here')
    await app.phone.until('the server heard', async () => {
      return (await heard('broken', app)).includes('rolled-back 1.2.0 not-confirmed')
    })
    await app.phone.until('it is deleted', async () =>
      (await app.bundles()).every(({ version }) => version === '1.1.0'),
    )
    // The server offers it to this device no more, and the device knows by itself.
    await app.phone.end()
    assert.equal((await app.start())?.reason, 'same-version')
    app.disconnect()
    await app.phone.end()
    assert.equal((await app.start())?.reason, 'broken-here')
    await app.shows('one')
    assert.equal(downloads(), 0)
    // Other bytes are another bundle.
    app.broken.clear()
    await publish('broken', '1.2.1', page('two', 'mended'))
    assert.equal((await app.comeBack()).kind, 'asked')
    void app.updater().reload()
    await app.shows('two')
    assert.equal((await app.outcome()).reason, 'same-version')
  }),
)

await play('a bundle that the system took away leaves the question open, and is had anew', () =>
  onPhone('evicted', async (app) => {
    await publish('evicted', '1.1.0', page('one'))
    assert.equal((await app.comeBack()).kind, 'asked')
    const [evicted] = await app.bundles()
    await rm(app.phone.folder(`${VERSIONS}/${evicted?.id}`), { recursive: true })
    assert.equal(await app.updater().reload(), false)
    const state = app.state()
    assert.equal(state.kind, 'question')
    assert.match((state.kind === 'question' && state.failure) || '', /\w/)
    await app.shows('shipped')
    void app.updater().reload()
    await app.shows('one')
    assert.equal((await app.outcome()).reason, 'same-version')
    const ids = (await app.bundles()).map(({ id }) => id)
    assert.equal(ids.length, 1)
    assert.notEqual(ids[0], evicted?.id)
    assert.equal(downloads(), 2)
  }),
)

await play('a download of other bytes fails, three times in a process, and nothing of it stays', () =>
  onPhone('spoilt', async (app) => {
    network.meddle((path, { status, body }) => {
      return { status, body: path.startsWith('/artifacts/') ? Buffer.concat([body, Buffer.from('!')]) : body }
    })
    await publish('spoilt', '1.1.0', page('one'))
    for (let times = 0; times < 5; times += 1) {
      const outcome = await app.comeBack()
      assert.deepEqual([outcome.kind, outcome.reason], ['nothing', 'download-failed'])
    }
    assert.equal(downloads(), 3)
    assert.deepEqual(await app.bundles(), [])
    assert.deepEqual(app.state(), { kind: 'idle' })
    await app.phone.until('the server heard', async () => {
      return (await heard('spoilt', app)).includes('download-failed 1.1.0 download-failed')
    })
    network.meddle(undefined)
    await app.phone.end()
    assert.equal((await app.start())?.kind, 'asked')
    assert.deepEqual(
      (await app.bundles()).map(({ version, status }) => [version, status]),
      [['1.1.0', 'pending']],
    )
  }),
)

await play('a process may end at any point between the question and the first start', () =>
  onPhone('ended', async (app) => {
    await publish('ended', '1.1.0', page('one'))
    assert.equal((await app.comeBack()).kind, 'asked')
    const [first] = await app.bundles()
    // With the question open: what was downloaded is unsure to the next process, and had anew.
    await app.phone.kill()
    assert.equal((await app.start())?.kind, 'asked')
    const again = await app.bundles()
    assert.equal(again.length, 1)
    assert.notEqual(again[0]?.id, first?.id)
    // In the middle of a download.
    app.updater().later()
    await app.phone.end()
    const held = network.hold((path) => path.startsWith('/artifacts/'))
    void app.start()
    await held.reached
    await app.phone.kill()
    held.release()
    assert.equal((await app.start())?.kind, 'asked')
    assert.equal((await app.bundles()).filter(({ status }) => status === 'pending').length, 1)
    // After the switch, before the page said that it works: that is nothing against the bundle.
    app.broken.add('one')
    void app.updater().reload()
    await app.shows('one')
    await app.phone.end()
    app.broken.clear()
    assert.equal((await app.start())?.reason, 'same-version')
    await app.shows('one')
    assert.deepEqual(
      (await app.bundles()).map(({ status }) => status),
      ['success'],
    )
    await app.phone.until('the server heard', async () => (await heard('ended', app)).includes('confirmed 1.1.0'))
    assert.ok(!(await heard('ended', app)).some((event) => event.startsWith('rolled-back')))
  }),
)

await play('what only a newer shell can run waits for it, and a new shell begins with its own bundle', () =>
  onPhone('shell', async (app) => {
    await publish('shell', '2.0.0', page('two'), { minNativeVersion: '2.0.0' })
    assert.equal((await app.comeBack()).kind, 'native-too-old')
    assert.deepEqual(app.state(), { kind: 'native-required', minNativeVersion: '2.0.0', nativeVersion: '1.0.0' })
    await publish('shell', '1.1.0', page('one'))
    assert.equal((await app.comeBack()).kind, 'asked')
    void app.updater().reload()
    await app.shows('one')
    await app.outcome()
    await publish('shell', '2.1.0', page('two'), { minNativeVersion: '2.0.0' })
    // There is something for it, which it has.
    assert.equal((await app.comeBack()).reason, 'same-version')
    app.phone.update({ versionName: '2.0.0', versionCode: 2 })
    await app.phone.end()
    assert.deepEqual(await app.start(), { kind: 'asked', reason: 'version-differs', version: '2.1.0' })
    await app.shows('shipped')
    assert.deepEqual(
      (await app.bundles()).map(({ version }) => version),
      ['2.1.0'],
    )
    void app.updater().reload()
    await app.shows('two')
    assert.equal((await app.outcome()).reason, 'same-version')
  }),
)

await play('the plugin asked nobody else', async () => {
  assert.deepEqual(network.refused(), [])
})

await network.close()
await server.stop()
end(`@hotpatch/capacitor over @capgo/capacitor-updater ${CAPGO}`)
