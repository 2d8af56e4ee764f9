import { describe, expect, test } from 'vitest'
import { createTestApp } from '../test-host/index.ts'
import { createOta } from './ota.ts'
import { ConfigurationError, UpdateError } from './update-error.ts'

const SERVER = { apiUrl: 'https://updates.example.com', appId: '0198c5f0-0000-7000-8000-000000000001' }
const QUIET = { ...SERVER, checkOnLaunch: false }
const R1 = { releaseId: 'r1', version: '1.1.0' }

/** Everything that was begun without being waited for. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the life of an update', () => {
  test('it is found at launch, runs at the next start, and is confirmed when a root was rendered', async () => {
    const app = createTestApp()
    app.device.offer(R1)
    app.ota.configure(SERVER)
    app.render()
    await settled()
    expect(app.ota.current()).toEqual({ releaseId: null, version: '1.0.0' })
    expect(app.ota.pending()).toEqual(R1)

    app.startAgain()
    expect(app.ota.current()).toEqual(R1)
    expect(app.ota.status().standing).toBe('probation')
    app.ota.configure(SERVER)
    app.render()
    await settled()
    expect(app.ota.status().standing).toBe('confirmed')
    expect(app.ota.state().outcome).toMatchObject({ kind: 'up-to-date' })
    expect(app.device.reports).toEqual(['downloaded 1.1.0', 'applied 1.1.0', 'confirmed 1.1.0'])
  })

  test('a root that is not rendered confirms nothing: the third start goes back', async () => {
    const app = createTestApp()
    app.device.offer(R1)
    app.ota.configure(SERVER)
    await settled()
    for (const expected of ['1.1.0', '1.1.0', '1.0.0']) {
      app.startAgain()
      app.ota.configure(QUIET)
      expect(app.ota.current().version).toBe(expected)
    }
    expect(app.ota.status().failedReleaseIds).toEqual(['r1'])
    expect(await app.ota.check()).toMatchObject({ kind: 'up-to-date' })
  })

  test('an error that ends the app counts, and the next start goes back', async () => {
    const app = createTestApp()
    app.device.offer(R1)
    app.ota.configure(SERVER)
    await settled()
    app.startAgain()
    app.ota.configure(QUIET)
    app.failFatally()
    app.startAgain()
    expect(app.ota.current().releaseId).toBeNull()
  })

  test('unless the app wants to count them itself', async () => {
    const app = createTestApp()
    app.device.offer(R1)
    app.ota.configure(SERVER)
    await settled()
    app.startAgain()
    app.ota.configure({ ...QUIET, countFatalErrors: false })
    app.failFatally()
    app.startAgain()
    expect(app.ota.current()).toEqual(R1)
    expect(app.ota.crashed()).toBe(true)
    app.startAgain()
    expect(app.ota.current().releaseId).toBeNull()
  })

  test('who says when it is ready is not taken at the first render', async () => {
    const app = createTestApp()
    app.device.offer(R1)
    app.ota.configure(SERVER)
    await settled()
    app.startAgain()
    app.ota.configure({ ...QUIET, confirm: 'manual' })
    app.render()
    await settled()
    expect(app.ota.status().standing).toBe('probation')
    expect(await app.ota.confirm()).toBe(true)
    expect(app.ota.status().standing).toBe('confirmed')
  })

  test('a mandatory update restarts, unless it is to wait', async () => {
    for (const [mandatoryUpdates, restarts] of [
      ['restart', 1],
      ['next-start', 0],
    ] as const) {
      const app = createTestApp()
      app.device.offer({ ...R1, mandatory: true })
      app.ota.configure({ ...QUIET, mandatoryUpdates })
      expect(await app.ota.sync()).toEqual({ kind: 'staged', ...R1, mandatory: true })
      expect(app.device.restarts).toBe(restarts)
    }
  })

  test('apply runs now what waits, and does nothing when nothing does', async () => {
    const app = createTestApp()
    app.ota.configure(QUIET)
    expect(await app.ota.apply()).toBe(false)
    app.device.offer(R1)
    await app.ota.download()
    expect(await app.ota.apply()).toBe(true)
    expect(app.ota.current()).toEqual(R1)
    expect(app.device.restarts).toBe(1)
  })

  test('rollBack goes back at the next start, for good', async () => {
    const app = createTestApp()
    app.ota.configure(QUIET)
    app.device.offer(R1)
    await app.ota.sync()
    app.startAgain()
    app.ota.configure(QUIET)
    await app.ota.confirm()
    expect(await app.ota.rollBack()).toBe(true)
    app.startAgain()
    expect(app.ota.status()).toMatchObject({ running: { releaseId: null }, failedReleaseIds: ['r1'] })
    expect(await app.ota.rollBack()).toBe(false)
  })

  test('the way back to embedded is an update like others', async () => {
    const app = createTestApp()
    app.ota.configure(QUIET)
    app.device.offer(R1)
    await app.ota.sync()
    await app.ota.restart()
    app.device.orderEmbedded('halted')
    expect(await app.ota.check()).toEqual({ kind: 'available-embedded', mandatory: false, reason: 'halted' })
    expect(await app.ota.download()).toMatchObject({ kind: 'staged', releaseId: null })
    await app.ota.apply()
    expect(app.ota.current().releaseId).toBeNull()
  })
})

describe('progress and events', () => {
  test('a download tells how far it is, and screens see it', async () => {
    const app = createTestApp()
    app.device.offer({ ...R1, sizeBytes: 400 })
    app.ota.configure(QUIET)
    await settled()
    const seen: unknown[] = []
    const states = new Set<object>()
    app.ota.subscribe(() => states.add(app.ota.state()))
    await app.ota.download({ onProgress: (progress) => seen.push(progress) })
    expect(seen).toEqual([100, 200, 300, 400].map((receivedBytes) => ({ receivedBytes, sizeBytes: 400 })))
    const phases = [...states].map((state) => (state as { phase: string }).phase)
    expect([...new Set(phases)]).toEqual(['checking', 'offered', 'downloading', 'verifying', 'staged'])
    expect(app.ota.state()).toMatchObject({ progress: null, status: { staged: R1 }, outcome: { kind: 'staged' } })
    // Whose download it was has heard enough.
    app.ota.on('progress', () => seen.push('again'))()
    await app.ota.download({})
    expect(seen).toHaveLength(4)
  })

  test('what goes wrong is a value with a code, and an event', async () => {
    const app = createTestApp()
    app.ota.configure(QUIET)
    const failures: unknown[] = []
    const stop = app.ota.on('failed', (event) => failures.push(event))
    app.device.offer(R1)
    app.device.failNext('storage-full')
    const outcome = await app.ota.download()
    expect(outcome).toMatchObject({ kind: 'failed', code: 'storage-full', error: { isRetryable: true } })
    expect(outcome.kind === 'failed' && outcome.error).toBeInstanceOf(UpdateError)
    expect(failures).toEqual([{ type: 'failed', error: expect.any(UpdateError), releaseId: null }])
    stop()
    app.device.failNext('signature-invalid')
    expect(await app.ota.check()).toMatchObject({ error: { isRetryable: false, code: 'signature-invalid' } })
    expect(failures).toHaveLength(1)
  })
})

describe('channels', () => {
  test('the chosen one is told at once, and null forgets it', async () => {
    const app = createTestApp()
    app.ota.configure({ ...QUIET, channel: 'staging' })
    await settled()
    expect(app.ota.status().channel).toBe('staging')
    expect(await app.ota.setChannel('beta')).toMatchObject({ channel: 'beta' })
    app.startAgain()
    app.ota.configure({ ...QUIET, channel: 'staging' })
    expect(app.ota.status().channel).toBe('beta')
    expect((await app.ota.setChannel(null)).channel).toBe('staging')
  })

  test('an empty one is refused', async () => {
    await expect(createTestApp().ota.setChannel('')).rejects.toThrow(/channel: expected a text that is not empty/)
  })
})

describe('where there are no updates', () => {
  test('in development everything is harmless, and says so', async () => {
    const app = createTestApp({ isDevelopment: true })
    app.device.offer(R1)
    app.ota.configure(SERVER)
    app.render()
    expect(app.warnings).toEqual([expect.stringMatching(/development.*Metro/)])
    expect(await app.ota.sync()).toEqual({ kind: 'unavailable', reason: 'development' })
    expect(await app.ota.confirm()).toBe(true)
    expect(app.ota.crashed()).toBe(false)
    expect(await app.ota.apply()).toBe(false)
    expect(app.ota.status()).toMatchObject({ unavailable: 'development', running: { releaseId: null } })
    expect(app.device.configuration).toBeNull()
  })

  test('but for who wants them there', async () => {
    const app = createTestApp({ isDevelopment: true })
    app.device.offer(R1)
    app.ota.configure({ ...SERVER, inDevelopment: true })
    await settled()
    expect(app.ota.pending()).toEqual(R1)
    expect(app.ota.status().unavailable).toBeNull()
  })

  test('without the native half it says what to do', async () => {
    const warnings: string[] = []
    const nobody = () => undefined
    const ota = createOta({
      native: null,
      isDevelopment: false,
      onFirstRender: nobody,
      onFatalError: nobody,
      warn: (message) => warnings.push(message),
    })
    ota.configure(SERVER)
    expect(warnings).toEqual([expect.stringMatching(/Build the app again/)])
    expect(await ota.check()).toEqual({ kind: 'unavailable', reason: 'native-module-missing' })
    expect(await ota.rollBack()).toBe(false)
    expect(await ota.setChannel('beta')).toMatchObject({ unavailable: 'native-module-missing' })
    expect(ota.pending()).toBeNull()
  })
})

describe('mistakes', () => {
  test.each([
    [{ channel: 5 }, /channel: expected a text that is not empty, found number/],
    [{ apiUrl: '' }, /apiUrl: expected a text that is not empty, found an empty text/],
    [{ checkOnLaunch: 'yes' }, /checkOnLaunch: expected true or false, found string/],
    [{ confirm: 'later' }, /confirm: expected "first-render" or "manual", found string/],
    [{ cohorts: ['a', 1] }, /cohorts: expected a list of texts, found a list/],
    [{ publicKeys: ['secret'] }, /no option "publicKeys".*in the binary/],
    [{ apiurl: 'https://a' }, /no option "apiurl".*Known are apiUrl/],
  ])('%j is refused, and nothing of it is repeated', (options, message) => {
    const { ota } = createTestApp()
    const configure = () => ota.configure(options as object)
    expect(configure).toThrow(ConfigurationError)
    expect(configure).toThrow(message)
    expect(configure).not.toThrow(/secret/)
  })

  test('nothing can be asked before it is configured', async () => {
    await expect(createTestApp().ota.check()).rejects.toMatchObject({ code: 'not-configured' })
  })

  test('what the native half refuses is told once, and to everyone who asks', async () => {
    const app = createTestApp()
    const cause = Object.assign(new Error('dev.hotpatch.publicKeys: expected base64 of 32 bytes'), {
      code: 'config-invalid',
    })
    app.device.native.configure = () => Promise.reject(cause)
    app.ota.configure(SERVER)
    await settled()
    expect(app.warnings).toEqual([expect.stringContaining('dev.hotpatch.publicKeys')])
    await expect(app.ota.check()).rejects.toMatchObject({ name: 'ConfigurationError', code: 'config-invalid', cause })
  })

  test('configured again, it is heard once', async () => {
    const app = createTestApp()
    app.ota.configure(QUIET)
    app.ota.configure({ ...QUIET, channel: 'beta' })
    const events: unknown[] = []
    app.ota.on('state', (event) => events.push(event))
    expect(await app.ota.check()).toMatchObject({ kind: 'up-to-date' })
    expect(events).toHaveLength(2)
    expect(app.device.configuration).toMatchObject({ channel: 'beta' })
  })
})
