import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { CAPAWESOME } from '../android/android-classes.ts'
import { createPhone } from '../android/phone.ts'
import type { Files } from '../publisher.ts'
import { HOST, setStage } from '../android/stage.ts'
import { createStories } from '../stories.ts'

const READY_MS = 600_000
const BUNDLES = 'files/_capacitor_live_update_bundles'
const LIST = 'capawesome-live-update-manifest.json'

/** Runs Capawesome's plugin, its Java and Capacitor's as they are published, against this checkout's server, by https. */
const { android, server, network, api, hotpatch, publish, publishSigned, write } = await setStage('capawesome')
const { play, end } = createStories(process.argv[2])

const page = (version: string) => `<html><head></head><body>${version}</body></html>`
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

interface Latest {
  artifactType?: string
  bundleId: string | null
  checksum?: string
  customProperties?: Record<string, string>
  downloadUrl?: string
}

/** An app of its own for each story, on a phone of its own. */
function install(
  name: string,
  configuration: Record<string, unknown> = {},
  web: Files = { 'index.html': page('shipped') },
) {
  const phone = createPhone({
    android,
    name: `capawesome-${name}`,
    javaOptions: network.options,
    app: {
      id: `com.example.${name}`,
      versionName: '1.0.0',
      versionCode: 7,
      plugins: ['io.capawesome.capacitorjs.plugins.liveupdate.LiveUpdatePlugin'],
      configuration: { LiveUpdate: { appId: name, serverDomain: HOST, readyTimeout: READY_MS, ...configuration } },
      web,
    },
  })
  const call = <Answer>(method: string, options?: object) => phone.call<Answer>('LiveUpdate', method, options)
  const shows = (version: string) => phone.until(`shows ${version}`, () => phone.shows().includes(`>${version}<`))
  return {
    phone,
    call,
    latest: () => call<Latest>('fetchLatestBundle'),
    sync: async () => (await call<{ nextBundleId: string | null }>('sync')).nextBundleId,
    /** What is on its disk, by bundle. */
    bundle: (id: string) => phone.files(`${BUNDLES}/${id}`),
    bundles: async () => (await call<{ bundleIds: string[] }>('getDownloadedBundles')).bundleIds,
    settings: async () => (await phone.files('shared_prefs'))['CapWebViewSettings.xml'] ?? '',
    /** Whom it answers, the page that is gone or the one that comes, is a matter of chance. */
    reload: async (version: string) => {
      void call('reload').catch(() => undefined)
      await shows(version)
    },
    shows,
  }
}

async function onPhone(
  name: string,
  story: (device: ReturnType<typeof install>) => Promise<void>,
  ...how: [Record<string, unknown>?, Files?]
) {
  const device = install(name, ...how)
  await device.phone.wipe()
  await device.phone.start()
  try {
    await story(device)
  } finally {
    network.meddle(undefined)
    network.setDown(false)
    await device.phone.kill()
  }
}

const createApp = (slug: string, more: object = {}) =>
  api.createApp({ slug, checkAccess: 'open', platforms: ['android'], ...more })

await play('a zip is checked, downloaded, set and run, and stays', async () => {
  await createApp('zips')
  await onPhone('zips', async ({ phone, call, latest, sync, bundle, settings, reload, shows }) => {
    await shows('shipped')
    assert.deepEqual(await latest(), { bundleId: null })
    // Not at the root of the zip: then a release is never taken file by file.
    const one = await publish('zips', '1.1.0', { 'www/index.html': page('one'), 'www/a.js': 'one()' })
    const found = await latest()
    assert.equal(found.artifactType, 'zip')
    assert.equal(found.bundleId, one.releaseId)
    assert.equal(found.checksum, one.content.kind === 'archive' ? one.content.sha256 : 'an archive')
    assert.deepEqual(found.customProperties, { version: '1.1.0', mandatory: 'false' })
    assert.equal(await sync(), one.releaseId)
    assert.deepEqual(await bundle(one.releaseId), { 'a.js': 'one()', 'index.html': page('one') })
    assert.match(await settings(), new RegExp(`${BUNDLES}/${one.releaseId}<`))
    assert.deepEqual(await call('getCurrentBundle'), { bundleId: null })
    await reload('one')
    assert.deepEqual(await call('ready'), { currentBundleId: one.releaseId, previousBundleId: null, rollback: false })
    assert.equal(await sync(), null)
    await phone.end()
    await phone.start()
    await shows('one')
    assert.equal(await sync(), null)
    // The next one, to a phone that runs something of which there is no list.
    const two = await publish('zips', '1.2.0', { 'index.html': page('two') })
    assert.equal((await latest()).artifactType, 'zip')
    assert.equal(await sync(), two.releaseId)
    await reload('two')
    phone.elapse(READY_MS / 2)
    assert.deepEqual(await call('ready'), {
      currentBundleId: two.releaseId,
      previousBundleId: one.releaseId,
      rollback: false,
    })
  })
})

await play('files are taken one by one, and only those that are new', async () => {
  await createApp('files')
  const large = 'console.log("a page has many of these")\n'.repeat(1_000)
  const numbers = Array.from({ length: 300 }, (_, index) => index)
  const many = {
    ...Object.fromEntries(numbers.map((index) => [`parts/${index}.js`, `part(${index})`])),
    'assets/ü 100%.txt': 'odd name',
    'assets/[id]#1.js': 'odd name, too',
    'assets/empty.txt': '',
  }
  const web = { 'index.html': page('shipped'), 'assets/same.css': 'p { color: red }' }
  const listOf = (files: Files) =>
    JSON.stringify(
      Object.entries(files).map(([href, text]) => ({ href, checksum: sha256(text), sizeInBytes: text.length })),
    )
  const shipped = { ...web, [LIST]: listOf(web) }
  await onPhone(
    'files',
    async ({ call, latest, sync, bundle, reload }) => {
      const files = {
        ...web,
        'index.html': page('one'),
        'assets/large.js': large,
        'assets/a b+c.txt': 'odd name',
        ...many,
      }
      const one = await publish('files', '1.1.0', files)
      assert.equal((await latest()).artifactType, 'manifest')
      network.passed()
      assert.equal(await sync(), one.releaseId)
      const { [LIST]: list = '', ...taken } = await bundle(one.releaseId)
      assert.deepEqual(taken, files)
      assert.deepEqual(
        (JSON.parse(list) as { href: string }[]).map(({ href }) => href).sort(),
        Object.keys(files).sort(),
      )
      // What the binary shipped with is copied, as its list says.
      const asked = askedFor(network.passed())
      const missing = [...Object.keys(many), 'assets/a b+c.txt', 'assets/large.js', LIST, 'index.html']
      assert.deepEqual(asked, missing.sort())
      await reload('one')
      await call('ready')
      const two = await publish('files', '1.2.0', { ...files, 'index.html': page('two') })
      network.passed()
      assert.equal(await sync(), two.releaseId)
      assert.deepEqual(askedFor(network.passed()), [LIST, 'index.html'])
      const { [LIST]: _, ...next } = await bundle(two.releaseId)
      assert.deepEqual(next, { ...files, 'index.html': page('two') })
      await reload('two')
      assert.deepEqual(await call('ready'), {
        currentBundleId: two.releaseId,
        previousBundleId: one.releaseId,
        rollback: false,
      })
      // Two files change places: one by one, the plugin would copy the wrong ones.
      const changed = { ...files, 'index.html': page('three'), 'a.js': 'one()', 'b.js': 'two()' }
      const three = await publish('files', '1.3.0', changed)
      assert.equal(await sync(), three.releaseId)
      await reload('three')
      await call('ready')
      const swapped = { ...changed, 'index.html': page('four'), 'a.js': 'two()', 'b.js': 'one()' }
      const four = await publish('files', '1.4.0', swapped)
      assert.equal((await latest()).artifactType, 'zip')
      assert.equal(await sync(), four.releaseId)
      assert.deepEqual(await bundle(four.releaseId), swapped)
    },
    {},
    shipped,
  )
})

function askedFor(passed: readonly { path: string }[]): string[] {
  return passed.flatMap(({ path }) => new URL(path, network.url).searchParams.getAll('href')).sort()
}

await play('what was changed on its way is refused, whole and file by file', async () => {
  await createApp('changed')
  await onPhone('changed', async ({ phone, latest, sync, bundles, shows }) => {
    const spoil = (isSpoilt: (path: string) => boolean) =>
      network.meddle((path, { status, body }) => {
        return isSpoilt(path) ? { status, body: Buffer.concat([body, Buffer.from('!')]) } : { status, body }
      })
    await publish('changed', '1.1.0', { 'www/index.html': page('one') })
    spoil((path) => path.startsWith('/artifacts/'))
    await assert.rejects(sync(), { message: 'Checksum mismatch.' })
    const two = await publish('changed', '1.2.0', { 'index.html': page('two'), 'b.js': 'b()' })
    assert.equal((await latest()).artifactType, 'manifest')
    spoil((path) => path.includes('href=b.js'))
    await assert.rejects(sync(), { message: 'Checksum mismatch.' })
    spoil((path) => path.includes(`href=${LIST}`))
    await assert.rejects(sync(), { message: 'Checksum mismatch.' })
    assert.deepEqual(await bundles(), [])
    assert.deepEqual(await phone.files('cache'), {})
    network.meddle(undefined)
    assert.equal(await sync(), two.releaseId)
    await shows('shipped')
  })
})

await play('a signature is asked for by a plugin with a key, and a wrong one refused', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = (key: typeof publicKey) => key.export({ type: 'spki', format: 'pem' }).toString()
  await write({
    'private.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'public.pem': pem(publicKey),
  })
  await createApp('signed')
  await hotpatch('keys', 'add', '--app', 'signed', '--rsa', 'public.pem', '--name', 'capawesome')
  const files = { 'index.html': page('one'), 'a.js': 'one()' }
  const unsigned = await publish('signed', '1.1.0', files)
  await onPhone(
    'signed',
    async ({ call, latest, sync, bundle, bundles, reload }) => {
      // The server cannot know that the plugin has a key: what is not signed it refuses by itself.
      await assert.rejects(sync(), { message: 'Bundle does not contain a signature.' })
      assert.deepEqual(await bundles(), [])
      const whole = await publishSigned('signed', '1.2.0', { ...files, 'a.js': 'two()' }, 'private.pem')
      assert.equal((await latest()).artifactType, 'zip')
      assert.equal(await sync(), whole.releaseId)
      assert.deepEqual(await bundle(whole.releaseId), { ...files, 'a.js': 'two()' })
      await reload('one')
      await call('ready')
      // With the list that its maker's tool writes, each file is signed, and the list.
      const next = { ...files, 'index.html': page('three') }
      const list = Object.entries(next).map(([href, text]) => ({
        href,
        checksum: sha256(text),
        sizeInBytes: text.length,
      }))
      const each = await publishSigned('signed', '1.3.0', { ...next, [LIST]: JSON.stringify(list) }, 'private.pem')
      assert.equal((await latest()).artifactType, 'manifest')
      assert.equal(await sync(), each.releaseId)
      assert.deepEqual(await bundle(each.releaseId), { ...next, [LIST]: JSON.stringify(list) })
      await reload('three')
      // Other bytes under the same signature.
      await call('ready')
      await publishSigned('signed', '1.4.0', { ...files, 'a.js': 'four()' }, 'private.pem')
      network.meddle((path, { status, body }) => {
        return { status, body: path.startsWith('/artifacts/') ? Buffer.concat([body, Buffer.from('!')]) : body }
      })
      await assert.rejects(sync(), { message: 'Signature verification failed.' })
      network.meddle(undefined)
    },
    { publicKey: pem(publicKey) },
  )
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  await onPhone(
    'signed',
    async ({ sync, bundles, shows }) => {
      await assert.rejects(sync(), { message: 'Signature verification failed.' })
      assert.deepEqual(await bundles(), [])
      await shows('shipped')
    },
    { publicKey: pem(other) },
  )
  assert.notEqual(unsigned.releaseId, '')
})

await play('channels are listed when devices may choose them, and followed when chosen', async () => {
  await createApp('channels')
  await publish('channels', '1.1.0', { 'index.html': page('everyone') })
  const beta = await publish('channels', '1.2.0', { 'index.html': page('beta') }, { channel: 'beta' })
  await onPhone('channels', async ({ phone, call, latest, sync, reload }) => {
    await assert.rejects(call('fetchChannels'), /Channel Discovery may not be enabled/)
    for (const channel of ['beta', 'staging']) {
      await api.changeChannel('channels', channel, { deviceChoice: 'open' })
    }
    const names = ['beta', 'staging'].map((name) => ({ id: name, name }))
    assert.deepEqual(await call('fetchChannels').then(sorted), names)
    assert.deepEqual(await call('fetchChannels', { query: 'bet' }), { channels: [{ id: 'beta', name: 'beta' }] })
    const [first, second] = await Promise.all([
      call<{ channels: object[] }>('fetchChannels', { limit: 1 }),
      call<{ channels: object[] }>('fetchChannels', { limit: 1, offset: 1 }),
    ])
    assert.deepEqual(sorted({ channels: [...first.channels, ...second.channels] }), names)
    assert.equal((await latest()).customProperties?.version, '1.1.0')
    await call('setChannel', { channel: 'beta' })
    assert.deepEqual(await call('getChannel'), { channel: 'beta' })
    assert.match((await phone.files('shared_prefs'))['CapawesomeLiveUpdate.xml'] ?? '', /"channel">beta</)
    await phone.end()
    await phone.start()
    assert.equal(await sync(), beta.releaseId)
    await reload('beta')
    // One that there is not: no update, and what runs stays.
    await call('setChannel', { channel: 'nowhere' })
    assert.equal(await sync(), null)
    await call('setChannel', { channel: null })
    assert.equal((await latest()).customProperties?.version, '1.1.0')
  })
})

function sorted(answer: unknown): { id: string; name: string }[] {
  const { channels } = answer as { channels: { id: string; name: string }[] }
  return channels.toSorted((a, b) => a.name.localeCompare(b.name))
}

await play(
  'a boot that is never ready goes back, is blocked, and told to the server is not offered again',
  async () => {
    await createApp('failing')
    const good = await publish('failing', '1.1.0', { 'index.html': page('good') })
    await onPhone(
      'failing',
      async ({ phone, call, latest, sync, bundles, reload, shows }) => {
        assert.equal(await sync(), good.releaseId)
        await reload('good')
        await call('ready')
        const bad = await publish('failing', '1.2.0', { 'index.html': page('bad') })
        assert.equal(await sync(), bad.releaseId)
        await phone.end()
        await phone.start()
        await shows('bad')
        phone.elapse(READY_MS)
        // To what the binary shipped with, and not to the one before.
        await shows('shipped')
        const told = await call<{ previousBundleId: string; rollback: boolean }>('ready')
        assert.deepEqual(told, { currentBundleId: null, previousBundleId: bad.releaseId, rollback: true })
        assert.deepEqual(await call('getBlockedBundles'), { bundleIds: [bad.releaseId] })
        // The server does not know yet, and the plugin keeps itself from it.
        assert.equal((await latest()).bundleId, bad.releaseId)
        assert.equal(await sync(), null)
        assert.deepEqual(await call('getNextBundle'), { bundleId: null })
        await phone.end()
        await phone.start()
        await shows('shipped')
        // As the app passes it on: docs/protocol/10-capawesome.md, section 7.
        const { deviceId } = await call<{ deviceId: string }>('getDeviceId')
        const event = {
          id: crypto.randomUUID(),
          kind: 'rolled-back',
          releaseId: told.previousBundleId,
          code: 'not-confirmed',
        }
        const heard = await fetch(`${server.url}/apps/failing/events`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ deviceId, platform: 'android', events: [event] }),
        })
        assert.equal(heard.status, 200)
        await phone.until('it is not offered', async () => (await latest()).bundleId !== bad.releaseId)
        assert.ok((await bundles()).includes(good.releaseId))
      },
      { autoBlockRolledBackBundles: true },
    )
  },
)

await play('nothing is for it: up to date, paused, a newer shell, no app, no server', async () => {
  await createApp('nothing')
  await onPhone('nothing', async ({ phone, call, latest, sync, reload, shows }) => {
    const one = await publish('nothing', '1.1.0', { 'index.html': page('one') })
    await sync()
    await reload('one')
    await call('ready')
    assert.deepEqual(await latest(), { bundleId: null })
    const two = await publish('nothing', '1.2.0', { 'index.html': page('two') })
    assert.equal((await latest()).bundleId, two.releaseId)
    await api.pauseRollout(two.rolloutId)
    assert.equal(await sync(), null)
    await publish('nothing', '1.3.0', { 'index.html': page('three') }, { minNativeVersion: '2.0.0' })
    assert.equal(await sync(), null)
    phone.update({ versionName: '2.0.0', versionCode: 8 })
    await phone.end()
    await phone.start()
    // A new binary begins with what it shipped with.
    await shows('shipped')
    assert.equal((await latest()).customProperties?.version, '1.3.0')
    network.meddle(() => ({ status: 503, body: Buffer.from('{"code":"unavailable","message":""}') }))
    assert.equal(await sync(), null)
    network.meddle(undefined)
    network.setDown(true)
    await assert.rejects(sync(), /IOException|proxy/i)
    network.setDown(false)
    await call('setConfig', { appId: 'there-is-none' })
    assert.deepEqual(await latest(), { bundleId: null })
    assert.equal(one.platform, 'android')
  })
})

await play('in the background it updates by itself, once it shows a page', async () => {
  await createApp('quiet')
  const one = await publish('quiet', '1.1.0', { 'index.html': page('one') })
  await onPhone(
    'quiet',
    async ({ phone, bundle, settings, shows }) => {
      await phone.until('it is downloaded', async () => (await settings()).includes(one.releaseId))
      assert.equal((await bundle(one.releaseId))['index.html'], page('one'))
      await phone.end()
      await phone.start()
      await shows('one')
    },
    { autoUpdateStrategy: 'background' },
  )
})

await play('half of the devices are offered what our own check offers the same device', async () => {
  // Each name of the app is another installation to the plugin, with a device id of its own.
  const names = Array.from({ length: 20 }, (_, index) => `com.example.half.d${index}`)
  await createApp('half', { bundleIds: names })
  await publish('half', '1.1.0', { 'index.html': page('one') })
  await publish('half', '1.2.0', { 'index.html': page('two') }, { percentage: 50 })
  await onPhone('half', async ({ call, latest }) => {
    const offered: (string | undefined)[] = []
    for (const name of names) {
      await call('setConfig', { appId: name })
      const { customProperties } = await latest()
      const { deviceId } = await call<{ deviceId: string }>('getDeviceId')
      const query = new URLSearchParams({ deviceId, platform: 'android', version: 'builtin', nativeVersion: '1.0.0' })
      const ours = await fetch(`${server.url}/apps/half/api/v1/native/bundle/manifest?${query}`)
      assert.equal(ours.status, 200)
      assert.equal(customProperties?.version, ((await ours.json()) as { version: string }).version)
      offered.push(customProperties?.version)
    }
    assert.deepEqual(new Set(offered), new Set(['1.1.0', '1.2.0']))
  })
})

await play('no phone asked anybody else', async () => {
  assert.deepEqual(network.refused(), [])
})

await network.close()
await server.stop()
end(`@capawesome/capacitor-live-update ${CAPAWESOME}`)
