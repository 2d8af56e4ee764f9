import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UpdaterPlugin } from '../ground/ports.ts'
import { createSigner, sendJson, startBundleServer, type BundleServer } from '../testing/bundle-server.ts'
import { createFollower, until } from '../testing/follower.ts'
import { createBundleUpdater } from './updater.ts'

const MANIFEST = '/api/v1/native/bundle/manifest'
const NO_SESSION = { get: () => null, set: () => undefined }
const DOWNLOAD = '/api/v1/native/bundle/download'

let server: BundleServer
beforeEach(async () => {
  server = await startBundleServer('/sub/path')
})
afterEach(() => server.stop())

describe('following the server', () => {
  test('a new bundle is downloaded in silence, asked about, and runs after "reload now"', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(`${server.url}/`)
    expect(await app.start()).toEqual({ kind: 'asked', reason: 'version-differs', version: '1.1.0' })
    expect(app.state()).toEqual({ kind: 'question', version: '1.1.0', isDowngrade: false, failure: undefined })
    expect(app.running()).toBe('1.0.0')
    expect(await app.accept()).toMatchObject({ kind: 'nothing', reason: 'same-version' })
    expect(app.running()).toBe('1.1.0')
    expect(app.phone.bundles()).toMatchObject([{ version: '1.1.0', status: 'success' }])
    // It stays, past every timer and start.
    await app.phone.advance(120_000)
    expect(await app.start()).toMatchObject({ reason: 'same-version' })
    expect(app.pages).toEqual(['1.0.0', '1.1.0', '1.1.0'])
    expect(server.seen(DOWNLOAD)).toHaveLength(1)
  })

  test('also to a lower version, which is said', async () => {
    server.serve({ version: '0.9.0' })
    const app = createFollower(server.url)
    expect(await app.start()).toMatchObject({ kind: 'asked', reason: 'version-lower' })
    expect(app.state()).toMatchObject({ isDowngrade: true })
    await app.accept()
    expect(app.running()).toBe('0.9.0')
  })

  test('it looks at launch and at every return to the foreground', async () => {
    server.serve({ version: '1.0.0' })
    const app = createFollower(server.url)
    expect(await app.start()).toMatchObject({ kind: 'nothing', reason: 'same-version' })
    server.serve({ version: '1.1.0' })
    expect(await app.comeBack()).toMatchObject({ kind: 'asked', version: '1.1.0' })
    expect(server.seen(MANIFEST)).toHaveLength(2)
  })

  test('returns to the foreground during a check start no second one', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.phone.coldStart()
    for (let times = 0; times < 5; times += 1) app.phone.foreground()
    expect(await app.updater().check()).toMatchObject({ kind: 'asked' })
    expect(server.seen(MANIFEST)).toHaveLength(1)
    expect(server.seen(DOWNLOAD)).toHaveLength(1)
  })

  test('a stopped updater looks no more', async () => {
    server.serve({ version: '1.0.0' })
    const app = createFollower(server.url)
    await app.start()
    app.updater().stop()
    expect(await app.comeBack()).toMatchObject({ reason: 'stopped' })
    expect(server.seen()).toHaveLength(1)
  })

  test('the server may be chosen later, and be another one', async () => {
    server.serve({ version: '1.1.0' })
    let serverUrl: string | undefined
    const app = createFollower('', { options: { serverUrl: () => serverUrl } })
    expect(await app.start()).toMatchObject({ reason: 'no-server' })
    serverUrl = server.url
    expect(await app.comeBack()).toMatchObject({ kind: 'asked' })
  })
})

describe('the question', () => {
  test('"later" is asked again at the next cold start, not sooner', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.start()
    app.updater().later()
    expect(app.state()).toEqual({ kind: 'idle' })
    expect(await app.comeBack()).toMatchObject({ kind: 'nothing', reason: 'asked-already' })
    // Nor for another version, nor because the page began anew.
    server.serve({ version: '1.2.0' })
    expect(await app.comeBack()).toMatchObject({ reason: 'asked-already' })
    app.phone.reloadPage()
    expect(await app.updater().check()).toMatchObject({ reason: 'asked-already' })
    expect(server.seen(DOWNLOAD)).toHaveLength(1)
    expect(await app.start()).toMatchObject({ kind: 'asked', version: '1.2.0' })
  })

  test('one that is open stays, and follows the server to a newer bundle', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.start()
    expect(await app.comeBack()).toMatchObject({ reason: 'question-open' })
    server.serve({ version: '1.2.0' })
    expect(await app.comeBack()).toMatchObject({ kind: 'asked', version: '1.2.0' })
    expect(app.state()).toMatchObject({ kind: 'question', version: '1.2.0' })
    await app.accept()
    expect(app.running()).toBe('1.2.0')
  })

  test('is withdrawn when the server went back to what runs', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.start()
    server.serve({ version: '1.0.0' })
    expect(await app.comeBack()).toMatchObject({ reason: 'same-version' })
    expect(app.state()).toEqual({ kind: 'idle' })
    expect(await app.updater().reload()).toBe(false)
  })

  test('after an update that was taken, the next one in the same process is asked about', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.start()
    await app.accept()
    server.serve({ version: '1.2.0' })
    expect(await app.comeBack()).toMatchObject({ kind: 'asked', version: '1.2.0' })
  })
})

describe('a switch that fails', () => {
  test('leaves the question open; the retry has the bundle anew, and not the broken one', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.start()
    const [evicted] = app.phone.bundles()
    app.phone.evict(evicted?.id ?? '')
    expect(await app.updater().reload()).toBe(false)
    expect(app.state()).toMatchObject({ kind: 'question', version: '1.1.0', failure: expect.stringMatching(/failed/) })
    expect(app.running()).toBe('1.0.0')
    await app.accept()
    expect(app.running()).toBe('1.1.0')
    expect(server.seen(DOWNLOAD)).toHaveLength(2)
    expect(app.phone.bundles().map(({ id }) => id)).not.toContain(evicted?.id)
  })

  test('once and again keeps it open', async () => {
    server.serve({ version: '1.1.0', files: { 'app.js': 'no page', 'other.js': '' } })
    const app = createFollower(server.url)
    await app.start()
    for (let times = 0; times < 3; times += 1) {
      expect(await app.updater().reload()).toBe(false)
      expect(app.state()).toMatchObject({ kind: 'question', failure: expect.stringMatching(/\w/) })
    }
    // Nothing piles up, and the app runs on.
    expect(app.phone.bundles().filter(({ status }) => status === 'pending')).toEqual([])
    expect(app.phone.disk.folders.size).toBe(0)
    expect(app.running()).toBe('1.0.0')
  })

  test('that the plugin never answers is over after a minute', async () => {
    server.serve({ version: '1.1.0' })
    let isTold = false
    const set = () => {
      isTold = true
      return new Promise<void>(() => undefined)
    }
    const app = createFollower(server.url, { wrap: (plugin) => ({ ...plugin, set }) })
    await app.start()
    const reloading = app.updater().reload()
    expect(await app.updater().check()).toMatchObject({ reason: 'switching' })
    await until(() => isTold)
    await app.phone.advance(60_000)
    expect(await reloading).toBe(false)
    expect(app.state()).toMatchObject({ kind: 'question' })
  })

  test('that the plugin says went well, and did not, has failed', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, { wrap: (plugin) => ({ ...plugin, set: async () => undefined }) })
    await app.start()
    expect(await app.updater().reload()).toBe(false)
    expect(app.state()).toMatchObject({ kind: 'question', failure: expect.stringMatching(/1\.0\.0 runs instead/) })
  })
})

describe('a bundle that does not come up', () => {
  test('is gone back from by the plugin, and never offered again', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, { broken: ['1.1.0'] })
    await app.start()
    await app.accept()
    expect(app.running()).toBe('1.1.0')
    await app.phone.advance(29_000)
    expect(app.running()).toBe('1.1.0')
    await app.phone.advance(1_000)
    expect(app.running()).toBe('1.0.0')
    expect(await app.updater().check()).toMatchObject({ reason: 'broken-here' })
    expect(await app.start()).toMatchObject({ reason: 'broken-here' })
    expect(server.seen(DOWNLOAD)).toHaveLength(1)
    // Other bytes are another bundle.
    app.broken.length = 0
    server.serve({ version: '1.1.0', files: { 'index.html': 'mended' } })
    expect(await app.start()).toMatchObject({ kind: 'asked' })
    await app.accept()
    expect(app.running()).toBe('1.1.0')
  })

  test('is known as such also when the process ended before anyone could ask', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, {
      broken: ['1.1.0'],
      wrap: (plugin) => ({ ...plugin, getFailedUpdate: () => Promise.reject(new Error('not implemented')) }),
    })
    await app.start()
    await app.accept()
    await app.phone.advance(30_000)
    expect(await app.start()).toMatchObject({ reason: 'broken-here' })
  })

  test('may be tried again by a new shell', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, { broken: ['1.1.0'] })
    await app.start()
    await app.accept()
    await app.phone.advance(30_000)
    await app.updater().check()
    app.phone.installNative('1.0.1')
    expect(await app.start()).toMatchObject({ kind: 'asked', version: '1.1.0' })
  })

  test('a process that ends before the plugin switched says nothing against the bundle', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, {
      wrap: (plugin) => ({ ...plugin, set: () => new Promise(() => undefined) }),
    })
    await app.start()
    void app.updater().reload()
    await until(() => [...app.phone.stored.values()].some((text) => text.includes('"switching":{')))
    expect(await app.start()).toMatchObject({ kind: 'asked', version: '1.1.0' })
  })
})

describe('what is there already', () => {
  test('is used again when it once worked', async () => {
    const app = createFollower(server.url, { config: { autoDeletePrevious: false } })
    server.serve({ version: '1.1.0' })
    await app.start()
    await app.accept()
    server.serve({ version: '1.2.0' })
    await app.comeBack()
    await app.accept()
    server.serve({ version: '1.1.0' })
    expect(await app.comeBack()).toMatchObject({ kind: 'asked', reason: 'version-lower' })
    expect(server.seen(DOWNLOAD)).toHaveLength(2)
    await app.accept()
    expect(app.running()).toBe('1.1.0')
  })

  test('is not used when it never ran: the plugin calls it pending, and so what it knows nothing about', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.start()
    expect(app.phone.bundles()).toMatchObject([{ status: 'pending' }])
    app.updater().later()
    expect(await app.start()).toMatchObject({ kind: 'asked' })
    expect(server.seen(DOWNLOAD)).toHaveLength(2)
    // The old one is gone: every download has an id of its own, and would stay.
    expect(app.phone.bundles()).toHaveLength(1)
  })

  test('is not used when its bytes are others', async () => {
    const app = createFollower(server.url, { config: { autoDeletePrevious: false } })
    server.serve({ version: '1.1.0' })
    await app.start()
    await app.accept()
    server.serve({ version: '1.2.0' })
    await app.comeBack()
    await app.accept()
    server.serve({ version: '1.1.0', files: { 'index.html': 'built anew' } })
    await app.comeBack()
    expect(server.seen(DOWNLOAD)).toHaveLength(3)
  })

  test('and turns out to be broken is not offered twice, not after a cold start either', async () => {
    const app = createFollower(server.url, {
      config: { autoDeletePrevious: false },
      // The plugin does not even say that it could not.
      wrap: (plugin) => ({ ...plugin, delete: () => Promise.reject(new Error('no')) }),
    })
    server.serve({ version: '1.1.0' })
    await app.start()
    await app.accept()
    server.serve({ version: '1.2.0' })
    await app.comeBack()
    await app.accept()
    server.serve({ version: '1.1.0' })
    await app.comeBack()
    const cached = app.phone.bundles().find(({ version }) => version === '1.1.0')?.id ?? ''
    app.phone.disk.folders.set(cached, new Map())
    expect(await app.updater().reload()).toBe(false)
    const known = app.phone.disk.registry.get(cached)
    if (known) app.phone.disk.registry.set(cached, { ...known, status: 'success' })
    await app.start()
    await app.accept()
    expect(app.running()).toBe('1.1.0')
    expect(app.phone.disk.current).not.toBe(cached)
    expect(server.seen(DOWNLOAD)).toHaveLength(3)
  })
})

describe('the native gate', () => {
  test('says so once in a session, again at the next cold start, and downloads nothing', async () => {
    server.serve({ version: '2.0.0', minNativeVersion: '1.1.0' })
    const app = createFollower(server.url)
    expect(await app.start()).toEqual({
      kind: 'native-too-old',
      reason: 'native-too-old',
      minNativeVersion: '1.1.0',
      isShown: true,
    })
    expect(app.state()).toEqual({ kind: 'native-required', minNativeVersion: '1.1.0', nativeVersion: '1.0.0' })
    app.updater().dismissNative()
    expect(await app.comeBack()).toMatchObject({ kind: 'native-too-old', isShown: false })
    expect(app.state()).toEqual({ kind: 'idle' })
    app.phone.reloadPage()
    expect(await app.updater().check()).toMatchObject({ isShown: false })
    expect(await app.start()).toMatchObject({ isShown: true })
    expect(server.seen(DOWNLOAD)).toHaveLength(0)
    app.phone.installNative('1.1.0')
    expect(await app.start()).toMatchObject({ kind: 'asked' })
  })

  test('takes the place of a question whose bundle the server has no more', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url)
    await app.start()
    server.serve({ version: '2.0.0', minNativeVersion: '9.0.0' })
    await app.comeBack()
    expect(app.state()).toMatchObject({ kind: 'native-required' })
    expect(await app.updater().reload()).toBe(false)
  })
})

describe('the plugin', () => {
  test('hears that the app works before the server is asked anything', async () => {
    server.serve({ version: '1.1.0' })
    const order: string[] = []
    server.answerWith(MANIFEST, (_request, response) => {
      order.push('server')
      sendJson(response, 404, {})
    })
    const app = createFollower(server.url, {
      wrap: (plugin) => ({
        ...plugin,
        notifyAppReady: async () => {
          await new Promise((resolve) => {
            setImmediate(resolve)
          })
          order.push('ready')
          return plugin.notifyAppReady()
        },
      }),
    })
    await app.start()
    await app.comeBack()
    expect(order).toEqual(['ready', 'server', 'server'])
  })

  test('may be missing: the app runs, and nobody is asked', async () => {
    const app = createFollower(server.url, { wrap: () => undefined })
    expect(await app.start()).toMatchObject({ kind: 'nothing', reason: 'no-plugin' })
    expect(await app.comeBack()).toMatchObject({ reason: 'no-plugin' })
    expect(await app.updater().reload()).toBe(false)
    expect(server.seen()).toEqual([])
  })

  test('that is registered and not there is the same', async () => {
    const absent = () => Promise.reject(Object.assign(new Error('not implemented on web'), { code: 'UNIMPLEMENTED' }))
    const app = createFollower(server.url, {
      wrap: (plugin) =>
        Object.fromEntries(Object.keys(plugin).map((name) => [name, absent])) as unknown as UpdaterPlugin,
    })
    expect(await app.start()).toMatchObject({
      kind: 'nothing',
      reason: 'plugin-failed',
      detail: 'not implemented on web',
    })
    expect(server.seen()).toEqual([])
  })

  test('that answers nothing is given up, and asked again at the next return', async () => {
    server.serve({ version: '1.1.0' })
    let isSilent = true
    const app = createFollower(server.url, {
      wrap: (plugin) => ({
        ...plugin,
        notifyAppReady: () => (isSilent ? new Promise(() => undefined) : plugin.notifyAppReady()),
      }),
    })
    const starting = app.start()
    await app.phone.advance(10_000)
    expect(await starting).toMatchObject({ reason: 'plugin-failed' })
    isSilent = false
    expect(await app.comeBack()).toMatchObject({ kind: 'asked' })
  })

  test('whose bridge rejects with what is no error', async () => {
    const app = createFollower(server.url, {
      wrap: (plugin) => ({ ...plugin, current: () => Promise.reject({ message: 'bridge is gone' }) }),
    })
    expect(await app.start()).toMatchObject({ reason: 'plugin-failed', detail: 'bridge is gone' })
  })

  test('that answers with another bundle than was asked for has not downloaded it', async () => {
    server.serve({ version: '1.1.0' })
    const app = createFollower(server.url, {
      wrap: (plugin) => ({ ...plugin, download: async () => (await plugin.current()).bundle }),
    })
    expect(await app.start()).toMatchObject({ kind: 'nothing', reason: 'download-failed' })
    expect(app.state()).toEqual({ kind: 'idle' })
  })
})

describe('downloads that fail', () => {
  test('are tried at the next returns, and then not again for the same bytes', async () => {
    server.serve({ version: '1.1.0', checksum: 'a'.repeat(64) })
    const app = createFollower(server.url)
    expect(await app.start()).toMatchObject({ kind: 'nothing', reason: 'download-failed' })
    for (let times = 0; times < 5; times += 1) expect(await app.comeBack()).toMatchObject({ reason: 'download-failed' })
    expect(server.seen(DOWNLOAD)).toHaveLength(3)
    expect(app.state()).toEqual({ kind: 'idle' })
    server.serve({ version: '1.1.0' })
    expect(await app.comeBack()).toMatchObject({ kind: 'asked' })
  })

  test('that never end are given up', async () => {
    server.serve({ version: '1.1.0' })
    server.answerWith(DOWNLOAD, () => undefined)
    const app = createFollower(server.url)
    const starting = app.start()
    await until(() => server.seen(DOWNLOAD).length === 1)
    expect(app.state()).toEqual({ kind: 'downloading', version: '1.1.0' })
    await app.phone.advance(15 * 60_000)
    expect(await starting).toMatchObject({ reason: 'download-failed' })
  })
})

describe('what comes instead of a manifest is nothing, with a reason', () => {
  const html = '<!doctype html><title>Welcome to our hotel</title>'
  test.each([
    ['none', 404, '{"code":"OTA_BUNDLE_NOT_AVAILABLE"}', 'not-available'],
    ['an older server', 404, '{}', 'server-error'],
    ['no key', 401, '{"code":"APP_KEY_REQUIRED"}', 'server-error'],
    ['a captive portal', 200, html, 'answer-not-json'],
    ['half of it', 200, '{"version":"1.1.0",', 'answer-not-json'],
    ['nothing', 200, '', 'answer-not-json'],
    ['a list', 200, '[]', 'manifest-invalid'],
    ['an object that is none', 200, '{"version":"1.1.0"}', 'manifest-invalid'],
  ])('%s', async (_what, status, body, reason) => {
    server.answerWith(MANIFEST, (_request, response) => response.writeHead(status).end(body))
    const app = createFollower(server.url)
    expect(await app.start()).toMatchObject({ kind: 'nothing', reason, detail: expect.stringMatching(/\w/) })
    expect(server.seen(MANIFEST)).toHaveLength(1)
    expect(app.state()).toEqual({ kind: 'idle' })
  })

  test('a redirect is not followed', async () => {
    server.answerWith(MANIFEST, (_request, response) =>
      response.writeHead(302, { location: `${server.url}/elsewhere` }).end(),
    )
    const app = createFollower(server.url)
    expect(await app.start()).toMatchObject({ reason: 'redirected' })
    expect(server.seen('/elsewhere')).toEqual([])
  })

  test.each([
    ['that says so', { 'content-length': String(1 << 30) }],
    ['that does not say so', {}],
  ])('an answer of enormous size %s is cut off', async (_what, headers) => {
    let sent = 0
    server.answerWith(MANIFEST, (_request, response) => {
      response.writeHead(200, headers)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1024))) sent += 64 * 1024
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    const app = createFollower(server.url)
    expect(await app.start()).toMatchObject({ reason: 'answer-too-long' })
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  test('a server that never answers is given up and asked again, a bounded number of times', async () => {
    server.answerWith(MANIFEST, () => undefined)
    const app = createFollower(server.url)
    const starting = app.start()
    for (const times of [1, 2, 3]) {
      await until(() => server.seen(MANIFEST).length === times)
      await app.phone.advance(10_000 + 1_000 * 2 ** times)
    }
    expect(await starting).toMatchObject({ reason: 'server-unreachable' })
    expect(server.seen(MANIFEST)).toHaveLength(3)
  })

  test('a server that is not there, or breaks down, is asked again', async () => {
    let isDown = true
    server.serve({ version: '1.1.0' })
    server.answerWith(MANIFEST, (_request, response) => {
      server.answerWith(MANIFEST, undefined)
      if (isDown) response.writeHead(500).end()
      isDown = false
    })
    const app = createFollower(server.url)
    const starting = app.start()
    await until(() => !isDown)
    // The answer has to arrive before its wait can begin.
    while (server.seen(MANIFEST).length < 2) await app.phone.advance(100)
    expect(await starting).toMatchObject({ kind: 'asked' })
  })

  test('a server that asks for patience has it', async () => {
    server.answerWith(MANIFEST, (_request, response) => response.writeHead(429, { 'retry-after': '120' }).end())
    const app = createFollower(server.url)
    expect(await app.start()).toMatchObject({ reason: 'server-error' })
    expect(await app.comeBack()).toMatchObject({ reason: 'server-asked-to-wait' })
    server.answerWith(MANIFEST, undefined)
    server.serve({ version: '1.1.0' })
    await app.phone.advance(120_000)
    expect(await app.comeBack()).toMatchObject({ kind: 'asked' })
    expect(server.seen(MANIFEST)).toHaveLength(2)
  })

  test('an address in the clear is not asked', async () => {
    const app = createFollower(server.url, { options: { allowInsecure: false } })
    expect(await app.start()).toMatchObject({ reason: 'address-refused' })
    expect(server.seen()).toEqual([])
  })
})

describe('with public keys', () => {
  const signer = createSigner()
  const signed = (version: string, signature?: string) => {
    server.serve({ version })
    server.serve({ version, signature: signature ?? signer.sign(server.checksum()) })
  }
  const app = (publicKeys = [signer.publicKey]) => createFollower(server.url, { options: { publicKeys } })

  test('a signed bundle is taken', async () => {
    signed('1.1.0')
    expect(await app().start()).toMatchObject({ kind: 'asked' })
  })

  test('one of several keys may sign', async () => {
    signed('1.1.0')
    expect(await app([createSigner().publicKey, signer.publicKey]).start()).toMatchObject({ kind: 'asked' })
  })

  test.each([
    ['none', () => server.serve({ version: '1.1.0' }), 'signature-missing'],
    ['that of another key', () => signed('1.1.0', createSigner().sign('a'.repeat(64))), 'signature-invalid'],
    ['that of other bytes', () => signed('1.1.0', signer.sign('a'.repeat(64))), 'signature-invalid'],
    ['no signature at all', () => signed('1.1.0', 'yes'), 'manifest-invalid'],
  ])('a bundle with %s is refused, and not downloaded', async (_what, serve, reason) => {
    serve()
    expect(await app().start()).toMatchObject({ kind: 'nothing', reason })
    expect(server.seen(DOWNLOAD)).toEqual([])
  })

  test.each([
    ['knows no Ed25519', { verifyEd25519: () => Promise.reject(new Error('NotSupportedError')) }],
    ['has nothing to verify with', {}],
  ])('a host that %s takes nothing', async (_what, verification) => {
    signed('1.1.0')
    const follower = app()
    await follower.phone.coldStart()
    const { verifyEd25519: _, ...host } = follower.host()
    const options = { serverUrl: server.url, allowInsecure: 'loopback', publicKeys: [signer.publicKey] } as const
    const updater = createBundleUpdater({ ...host, session: NO_SESSION, ...verification }, options)
    expect(await updater.start()).toMatchObject({ reason: 'signature-unverifiable' })
  })

  test('a key that is none is a mistake of the app, and said at once', async () => {
    const { host, phone } = createFollower(server.url)
    await phone.coldStart()
    expect(() => createBundleUpdater(host(), { serverUrl: server.url, publicKeys: ['c2hvcnQ='] })).toThrow(RangeError)
  })
})
