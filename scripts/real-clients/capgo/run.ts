import assert from 'node:assert/strict'
import { CAPGO } from '../android/android-classes.ts'
import { createPhone } from '../android/phone.ts'
import type { Files } from '../publisher.ts'
import { HOST, setStage } from '../android/stage.ts'
import { createStories } from '../stories.ts'
import { until } from '../attempt.ts'
import { encrypt } from './encrypt.ts'

const PLUGIN = 'CapacitorUpdater'
const VERSIONS = 'files/versions'

/** Runs Capgo's plugin, its Java and Capacitor's as they are published, against this checkout's server. */
const { android, server, network, api, publish } = await setStage('capgo')
const { play, end } = createStories(process.argv[2])

const page = (version: string) => `<html><head></head><body>${version}</body></html>`
const large = 'console.log("a page has many of these")\n'.repeat(1_000)
const same = 'p { color: red }'.repeat(20)
const many = Array.from({ length: 200 }, (_, index) => [`parts/${index}.js`, `part(${index})`])
const odd = { 'assets/a b+c.txt': 'odd name', 'assets/ü 100%.txt': 'odd name, too', 'assets/empty.txt': '' }
const one = { 'index.html': page('one'), 'assets/same.css': same, 'assets/large.js': large }
const everything: Files = { ...one, ...odd, ...Object.fromEntries(many) }
const two = { ...one, 'index.html': page('two'), 'assets/large.js': `${large}// changed` }

interface Latest {
  version: string
  url: string
  checksum: string
  sessionKey: string
  manifest?: { file_name: string }[]
  error?: string
  kind?: string
}

interface Bundle {
  id: string
  version: string
  status: string
}

/** The pages of the app say that they work, but for those of `broken`. */
function install(name: string, configuration: object = {}, broken: string[] = []) {
  const app = `https://${HOST}/apps/${name}/capgo`
  const phone = createPhone({
    android,
    name: `capgo-${name}`,
    javaOptions: network.options,
    app: {
      id: `com.example.${name}`,
      versionName: '0.9.0',
      versionCode: 9,
      plugins: ['ee.forgr.capacitor_updater.CapacitorUpdaterPlugin'],
      configuration: {
        [PLUGIN]: {
          updateUrl: `${app}/updates`,
          statsUrl: `${app}/stats`,
          channelUrl: `${app}/channel_self`,
          ...configuration,
        },
      },
      web: { 'index.html': page('shipped'), 'assets/same.css': same },
    },
    onPage: (shown) => {
      const isBroken = broken.some((text) => shown.html.includes(`>${text}<`))
      if (!isBroken) void shown.plugin(PLUGIN).notifyAppReady?.()
    },
  })
  const call = <Answer>(method: string, options?: object) => phone.call<Answer>(PLUGIN, method, options)
  return {
    phone,
    call,
    latest: (channel?: string) => call<Latest>('getLatest', channel === undefined ? {} : { channel }),
    bundles: async () => (await call<{ bundles: Bundle[] }>('list')).bundles,
    shows: (text: string) => phone.until(`shows ${text}`, () => phone.shows().includes(`>${text}<`)),
    /** What is on its disk, but for what the plugin writes beside it. */
    files: async (id: string): Promise<Files> => {
      const { 'manifest.json': _, ...files } = await phone.files(`${VERSIONS}/${id}`)
      return files
    },
    heard: async () => {
      const { deviceId } = await call<{ deviceId: string }>('getDeviceId')
      const { events } = await api.getDevice(name, deviceId)
      return events.map(({ kind, version, code }) => [kind, version, code].filter(Boolean).join(' '))
    },
  }
}

async function onPhone(
  name: string,
  story: (device: ReturnType<typeof install>) => Promise<void>,
  ...how: [object?, string[]?]
) {
  const device = install(name, ...how)
  await device.phone.wipe()
  try {
    await device.phone.start()
    await story(device)
  } finally {
    network.meddle(undefined)
    await device.phone.kill()
  }
}

async function createApp(slug: string): Promise<void> {
  await api.createApp({ slug, checkAccess: 'open', platforms: ['android'] })
  await api.changeChannel(slug, 'beta', { deviceChoice: 'open' })
  await publish(slug, '1.0.0', everything)
  await untilCompressed(slug, 'production')
}

/** Which the server does in the background. */
async function untilCompressed(name: string, channel: string): Promise<void> {
  const body = {
    platform: 'android',
    device_id: 'probe',
    app_id: name,
    version_build: '0.1.0',
    defaultChannel: channel,
  }
  const headers = { 'content-type': 'application/json' }
  const address = `${server.url}/apps/${name}/capgo/updates`
  await until('what is published is compressed', async () => {
    const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await answer.text()).includes('large.js.br')
  })
}

await play(
  'by itself it checks, downloads, switches in the background, and goes back from what does not start',
  async () => {
    await createApp('automatic')
    await onPhone(
      'automatic',
      async ({ phone, call, latest, bundles, shows, files, heard }) => {
        await shows('shipped')
        await phone.until('it is downloaded', async () => (await bundles())[0]?.status === 'pending')
        const [first] = await bundles()
        assert.equal(first?.version, '1.0.0')
        assert.deepEqual(await files(first.id), everything)
        phone.background()
        await shows('one')
        phone.foreground()
        await phone.until('it says that it works', async () => (await bundles())[0]?.status === 'success')
        const nothing = await latest()
        assert.deepEqual([nothing.error, nothing.kind], ['no_new_version_available', 'up_to_date'])

        // Another channel, chosen by the app.
        const { channels } = await call<{ channels: { name: string }[] }>('listChannels')
        assert.ok(channels.some(({ name }) => name === 'beta'))
        await assert.rejects(call('setChannel', { channel: 'staging' }), (error: { data?: { error?: string } }) => {
          return error.data?.error === 'channel_self_set_not_allowed'
        })
        await publish('automatic', '1.1.0', two, { channel: 'beta' })
        await untilCompressed('automatic', 'beta')
        network.passed()
        await call('setChannel', { channel: 'beta', triggerAutoUpdate: true })
        assert.equal((await call<{ channel: string }>('getChannel')).channel, 'beta')
        const second = async () => (await bundles()).find(({ version }) => version === '1.1.0')
        await phone.until('it is downloaded', async () => (await second())?.status === 'pending')
        assert.deepEqual(await files((await second())?.id ?? ''), two)
        // What is the same was there.
        assert.equal(network.passed().filter(({ path }) => path.startsWith('/artifacts/')).length, 2)
        phone.background()
        await shows('two')
        phone.foreground()
        // It does not say that it works. The plugin waits half a minute.
        await shows('one')
        await phone.until('the server heard', async () => (await heard()).includes('rolled-back 1.1.0 not-confirmed'))
        assert.equal((await latest()).kind, 'up_to_date')
        for (const event of ['applied 1.0.0', 'download-started 1.1.0', 'applied 1.1.0']) {
          assert.ok((await heard()).includes(event), event)
        }
        // That a bundle works it tells once in each process, of what it runs at the start.
        assert.ok(!(await heard()).includes('confirmed 1.0.0'))
        await phone.end()
        await phone.start()
        await shows('one')
        await phone.until('the server heard', async () => (await heard()).includes('confirmed 1.0.0'))
        // Back to what the binary shipped with, at the next start.
        await call('unsetChannel')
        await api.rollBack('automatic', { platform: 'android', channel: 'production', to: 'embedded' })
        await phone.end()
        await phone.start()
        await phone.until('it is to go back', async () => {
          return (await call<{ id?: string } | undefined>('getNextBundle'))?.id === 'builtin'
        })
        phone.background()
        await shows('shipped')
      },
      {},
      ['two'],
    )
  },
)

await play('what the app asks for it has: a zip whole, files one by one, and their size before', async () => {
  await createApp('manual')
  await onPhone(
    'manual',
    async ({ call, latest, files }) => {
      const { manifest = [], ...found } = await latest()
      assert.equal(found.version, '1.0.0')
      assert.ok(manifest.some(({ file_name }) => file_name === 'assets/large.js.br'))
      const whole = await call<Bundle>('download', found)
      assert.equal(whole.status, 'pending')
      assert.deepEqual(await files(whole.id), everything)
      const { missing } = await call<{ missing: object[] }>('getMissingBundleFiles', { manifest })
      assert.ok(missing.length < manifest.length)
      const size = await call<{ knownFiles: number }>('getBundleDownloadSize', { version: '1.0.0', manifest: missing })
      assert.equal(size.knownFiles, missing.length)
      await call('delete', { id: whole.id })
      const single = await call<Bundle>('download', { ...found, manifest })
      assert.deepEqual(await files(single.id), everything)
    },
    { autoUpdate: false },
  )
})

await play('with a key it takes what was encrypted for that key, and nothing else', async () => {
  await createApp('sealed')
  const { releaseId } = await publish('sealed', '2.0.0', two, { channel: 'staging' })
  const publicKey = await encrypt({ server, app: 'sealed', releaseId, files: two })
  await onPhone(
    'sealed',
    async ({ call, latest, bundles, files }) => {
      const { manifest = [], ...found } = await latest('staging')
      assert.equal(found.version, '2.0.0')
      assert.match(found.sessionKey, /:/)
      const whole = await call<Bundle>('download', found)
      assert.deepEqual(await files(whole.id), two)
      await call('delete', { id: whole.id })
      const single = await call<Bundle>('download', { ...found, manifest })
      assert.deepEqual(await files(single.id), two)
      const other = await latest('production')
      assert.deepEqual([other.error, other.kind], ['key_id_mismatch', 'blocked'])
      network.meddle((path, { status, body }) => {
        return { status, body: path.startsWith('/artifacts/') ? Buffer.concat([body, Buffer.alloc(16)]) : body }
      })
      await assert.rejects(call('download', { ...found, version: '2.0.1' }))
      assert.ok((await bundles()).every(({ version }) => version === '2.0.0'))
    },
    { autoUpdate: false, publicKey },
  )
})

await play('no phone asked anybody else', async () => {
  assert.deepEqual(network.refused(), [])
})

await network.close()
await server.stop()
end(`@capgo/capacitor-updater ${CAPGO}`)
