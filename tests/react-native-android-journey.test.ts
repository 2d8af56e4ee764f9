import { createHash, X509Certificate } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '@hotpatch/testkit'
import type { App, DeviceWithEvents, Explanation, Patch, PublishedArchive } from '@hotpatch/api'
import { FOLDER } from '../scripts/real-clients/android/command.ts'
import { openStage } from '../scripts/real-clients/android/stage.ts'
import { startHotPatchPhones, type HotPatchState } from '../scripts/native-tests/android/phones.ts'
import { copyEdge, pointerIn, startEdgeMirror, type EdgeMirror } from './edge-mirror.ts'

/**
 * The native half of @hotpatch/react-native on Robolectric's Android, against a server process on which the tool publishes.
 * Each test has a phone and a channel of its own.
 */
type Stage = Awaited<ReturnType<typeof openStage>>
type Phones = Awaited<ReturnType<typeof startHotPatchPhones>>
type Outcome = Record<string, unknown> & { kind: string }
type Heard = Record<string, unknown>

const EMBEDDED = bundleOf('what the binary shipped with', 2_000)
/** Of each test its own. */
const CHANNELS = [
  'main',
  'shipped',
  'chosen',
  'restart',
  'cut',
  'patched',
  'secret',
  'version',
  'build',
  'full',
  'pinned',
  'http',
  'stranger',
  'edge',
]

describe.skipIf(process.env.HOTPATCH_ANDROID_ENGINE_READY !== '1')('React Native on Android', () => {
  let stage: Stage
  let phones: Phones
  let app: App
  let publicKey: string
  let pin: string
  let mirror: EdgeMirror | undefined
  const decryptionKeys: string[] = []

  beforeAll(async () => {
    const folder = join(FOLDER, 'react-native-android', `stage-${process.pid}`)
    stage = await openStage(folder, { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_AUTOMATION_SECONDS: '1' })
    const { hotpatch, network } = stage
    app = await hotpatch<App>('apps', 'create', 'shop', '--device-ids', 'as-given')
    for (const name of CHANNELS) await stage.api.createChannel('shop', { name })
    await hotpatch('keys', 'generate')
    publicKey = (await read<{ publicKey: string }>('keys', 'show')).publicKey
    pin = pinOf(network.certificate)
    const name = `journey-${process.pid}`
    phones = await startHotPatchPhones({ bundle: EMBEDDED, javaOptions: network.options, name })
  }, 600_000)

  afterAll(async () => {
    await phones?.end()
    await stage?.network.close()
    await stage?.server.stop()
    await mirror?.close()
    if (stage) await rm(join(FOLDER, 'react-native-android', `stage-${process.pid}`), { recursive: true, force: true })
  })

  /** A phone with an app of one channel. What its binary says can be another from start to start. */
  function phoneOf(channel: string) {
    const heard: Heard[] = []
    let restarted = Promise.withResolvers<unknown>()
    const said = (more: Record<string, string> = {}) => ({
      'dev.hotpatch.apiUrl': stage.network.url,
      'dev.hotpatch.appId': app.id,
      'dev.hotpatch.appKey': app.appKey,
      'dev.hotpatch.channel': channel,
      'dev.hotpatch.publicKeys': publicKey,
      ...more,
    })

    async function start(
      { metaData, ...binary }: { metaData?: Record<string, string>; [more: string]: unknown } = {},
      deviceId = channel,
    ): Promise<HotPatchState> {
      restarted = Promise.withResolvers()
      const configuration = { appVersion: '1.0.0', versionCode: 1, ...binary, metaData: said(metaData) }
      const state = await phones.start(channel, configuration, (event) => {
        if (event.emits === 'HotPatchEvent') heard.push(JSON.parse(String(event.value)) as Heard)
        else heard.push(event)
        if ('reloads' in event) restarted.resolve(event.reloads)
      })
      if (state.status.problem === null) await call('configure', JSON.stringify({ deviceId }))
      return state
    }

    async function call<Answer>(method: string, ...given: unknown[]): Promise<Answer> {
      const answer = await phones.call(method, given)
      return (typeof answer === 'string' ? JSON.parse(answer) : answer) as Answer
    }

    return {
      start,
      call,
      heard,
      restarted: () => restarted.promise,
      sync: () => call<Outcome>('sync'),
      confirm: async () => {
        expect(await call('confirm')).toBe(true)
        await call('flushReports')
      },
      crash: () => phones.happen('crash', { message: 'it does not start' }),
      kinds: () => heard.map(({ type }) => type),
      folder: join(phones.folderOf(channel), 'no_backup/hotpatch'),
    }
  }

  async function release(channel: string, version: string, text: string, ...more: string[]): Promise<PublishedArchive> {
    await rm(join(stage.project, 'www'), { recursive: true, force: true })
    await stage.write({ 'www/index.android.bundle': text, 'www/assets/logo.txt': `logo of ${version}` })
    const what = ['--app', 'shop', '--platform', 'android', '--version', version, '--channel', channel]
    return stage.hotpatch<PublishedArchive>('release', ...what, '--bundle-dir', 'www', ...more)
  }

  /** What the tool only looks up. */
  async function read<Answer>(...args: string[]): Promise<Answer> {
    return JSON.parse(await stage.say(...args, '--json')) as Answer
  }

  const why = (deviceId: string) => read<Explanation>('why', deviceId, '--app', 'shop')
  const kindsOf = async (deviceId: string) =>
    (await read<DeviceWithEvents>('devices', 'show', deviceId, '--app', 'shop')).events.map(({ kind }) => kind)

  test('it checks, downloads, verifies, starts and confirms; fails twice or crashes, goes back, and everybody can see why', async () => {
    const phone = phoneOf('main')
    const first = await phone.start()
    expect(first.bundle).toBe(EMBEDDED)
    expect(first.status).toMatchObject({ running: { releaseId: null }, channel: 'main', isConfigured: true })
    const good = await release('main', '1.0.1', bundleOf('good'))
    expect(await phone.call('check')).toMatchObject({ kind: 'available', releaseId: good.releaseId, version: '1.0.1' })
    expect(await phone.call('download')).toMatchObject({ kind: 'staged', releaseId: good.releaseId })
    expect(phone.kinds()).toContain('progress')
    expect(phone.heard.at(-1)).toMatchObject({ type: 'state', state: 'staged' })

    const second = await phone.start()
    expect(second.bundle).toBe(bundleOf('good'))
    expect(second.status).toMatchObject({ running: { version: '1.0.1' }, standing: 'probation' })
    await phone.confirm()
    expect(await phone.sync()).toMatchObject({ kind: 'up-to-date' })

    const bad = await release('main', '1.0.2', bundleOf('bad'))
    expect(await phone.sync()).toMatchObject({ kind: 'staged', version: '1.0.2' })
    // Two processes that end before the app was ready.
    for (let times = 0; times < 2; times += 1) expect((await phone.start()).bundle).toBe(bundleOf('bad'))
    const back = await phone.start()
    expect(back.bundle).toBe(bundleOf('good'))
    expect(back.status).toMatchObject({ failedReleaseIds: [bad.releaseId], standing: 'confirmed' })
    await phone.confirm()
    expect(await phone.sync()).toMatchObject({ kind: 'up-to-date' })

    const worse = await release('main', '1.0.3', bundleOf('worse'))
    await phone.sync()
    expect((await phone.start()).bundle).toBe(bundleOf('worse'))
    await phone.crash()
    // Whoever was there before is told as well: the system, which ends the process.
    expect(phone.heard.at(-1)).toEqual({ ends: 'it does not start' })
    expect((await phone.start()).bundle).toBe(bundleOf('good'))
    await phone.confirm()
    await phone.sync()

    expect(await kindsOf('main')).toEqual(expect.arrayContaining(['applied', 'confirmed', 'downloaded', 'rolled-back']))
    const { rollouts } = await why('main')
    for (const { releaseId } of [bad, worse]) {
      const verdicts = rollouts.find((rollout) => rollout.releaseId === releaseId)?.verdicts
      expect(verdicts?.map(({ reason }) => reason)).toContain('failed-on-this-device')
    }
    const device = await read<DeviceWithEvents>('devices', 'show', 'main', '--app', 'shop')
    expect(device.currentReleaseId).toBe(good.releaseId)
    expect(device.failedReleaseIds.toSorted()).toEqual([bad.releaseId, worse.releaseId].toSorted())
    const codes = device.events.filter(({ kind }) => kind === 'rolled-back').map(({ code }) => `${code}`)
    expect(codes.toSorted()).toEqual(['crashed', 'not-confirmed'])
  })

  test('a mandatory update is loaded in the process that runs, and what JavaScript before it says is not heard', async () => {
    const phone = phoneOf('restart')
    await phone.start()
    await release('restart', '2.0.1', bundleOf('loaded again'), '--mandatory', 'true')
    expect(await phone.sync()).toMatchObject({ kind: 'staged', mandatory: true })
    expect(await phone.restarted()).toBe(bundleOf('loaded again'))
    const { status } = await phones.state()
    expect(status).toMatchObject({ running: { version: '2.0.1' }, standing: 'probation', isConfigured: true })
    await phone.confirm()
    expect((await phones.state()).status).toMatchObject({ standing: 'confirmed' })
  })

  test('a download that is cut goes on where it broke off', async () => {
    const phone = phoneOf('cut')
    await phone.start()
    await release('cut', '3.0.1', bundleOf('cut', 20_000))
    let cuts = 0
    stage.network.passed()
    stage.network.meddle((path, answer) => {
      if (!path.includes('/artifacts/') || cuts > 0) return answer
      cuts += 1
      return { ...answer, cutAt: 10_000 }
    })
    expect(await phone.sync()).toMatchObject({ kind: 'staged', version: '3.0.1' })
    stage.network.meddle(undefined)
    const asked = stage.network.passed().filter(({ path }) => path.includes('/artifacts/'))
    expect(asked.map(({ status }) => status)).toEqual([200, 206])
    expect(asked[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-/)
    expect((await phone.start()).bundle).toBe(bundleOf('cut', 20_000))
  })

  test('a patch of what runs is taken', async () => {
    const phone = phoneOf('patched')
    await phone.start()
    await release('patched', '4.0.1', bundleOf('first', 20_000))
    await phone.sync()
    await phone.start()
    await phone.confirm()
    await release('patched', '4.0.2', bundleOf('second', 20_000))
    const ids = ['--app', 'shop', '--platform', 'android']
    const patch = await read<Patch>('patch', '--from', '4.0.1', '--to', '4.0.2', ...ids)
    expect(patch).toMatchObject({ state: 'made' })
    phone.heard.length = 0
    expect(await phone.sync()).toMatchObject({ kind: 'staged', version: '4.0.2' })
    expect(phone.heard.find(({ type }) => type === 'downloaded')).toMatchObject({ arrival: 'patch' })
    expect((await phone.start()).bundle).toBe(bundleOf('second', 20_000))
  })

  test('the first update is made of what the binary shipped with', async () => {
    await stage.write({ 'shipped/index.android.bundle': EMBEDDED })
    const what = ['--app', 'shop', '--platform', 'android', '--native-version', '1.0.0+1']
    const shipped = await stage.hotpatch<{ id: string }>('updates', 'embedded', 'upload', 'shipped', ...what)
    await release('shipped', '9.0.1', EMBEDDED.replace('7919', '0'))
    const ids = ['--app', 'shop', '--platform', 'android']
    expect(await read<Patch>('patch', '--from', 'embedded:1.0.0+1', '--to', '9.0.1', ...ids)).toMatchObject({
      state: 'made',
    })
    const phone = phoneOf('shipped')
    await phone.start()
    expect(await phone.sync()).toMatchObject({ kind: 'staged', version: '9.0.1' })
    expect(phone.heard.find(({ type }) => type === 'downloaded')).toMatchObject({ arrival: 'patch' })
    const noted = JSON.parse(await readFile(join(phone.folder, 'ota/embedded.json'), 'utf8')) as { tree?: string }
    expect(JSON.stringify(noted)).toContain(shipped.id)
    expect((await phone.start()).bundle).toBe(EMBEDDED.replace('7919', '0'))
  })

  test('an encrypted release is opened by who has the key', async () => {
    const made = await stage.hotpatch<{ publicKey: string }>('encryption-keys', 'generate', '--key', 'first.pem')
    decryptionKeys.push(await stage.say('encryption-keys', 'private', '--key', 'first.pem'))
    await stage.write({ 'hotpatch.json': JSON.stringify({ app: 'shop', encryptFor: [made.publicKey] }) })
    await release('secret', '5.0.1', bundleOf('secret'))
    await rm(join(stage.project, 'hotpatch.json'))
    const other = phoneOf('secret')
    await other.start({}, 'without')
    expect(await other.sync()).toMatchObject({ kind: 'up-to-date', reason: 'encryption-not-taken' })
    const metaData = { 'dev.hotpatch.decryptionKeys': decryptionKeys[0]?.trim() ?? '' }
    const phone = phoneOf('secret')
    await phone.start({ metaData })
    expect(await phone.sync()).toMatchObject({ kind: 'staged', version: '5.0.1' })
    expect((await phone.start({ metaData })).bundle).toBe(bundleOf('secret'))
  })

  test('another binary, or another build of it, starts with what it shipped with', async () => {
    for (const [channel, binary] of [
      ['version', { appVersion: '1.1.0' }],
      ['build', { versionCode: 2 }],
    ] as const) {
      const phone = phoneOf(channel)
      await phone.start()
      await release(channel, channel === 'version' ? '6.0.1' : '6.0.2', bundleOf(channel))
      await phone.sync()
      expect((await phone.start()).bundle).toBe(bundleOf(channel))
      await phone.confirm()
      const replaced = await phone.start(binary)
      expect(replaced.bundle).toBe(EMBEDDED)
      expect(replaced.status).toMatchObject({ running: { releaseId: null }, previous: null })
      // What the new binary takes is the same again.
      expect(await phone.sync()).toMatchObject({ kind: 'staged' })
    }
  })

  test('a full disk is told, and what runs goes on', async () => {
    const phone = phoneOf('full')
    await phone.start({ freeBlocks: 0 })
    await release('full', '7.0.1', bundleOf('full'))
    expect(await phone.sync()).toMatchObject({ kind: 'failed', code: 'storage-full', isRetryable: true })
    expect((await phone.start()).bundle).toBe(EMBEDDED)
    expect(await phone.sync()).toMatchObject({ kind: 'staged' })
  })

  test('a server with a key that is not pinned is not talked to', async () => {
    const phone = phoneOf('pinned')
    const host = new URL(stage.network.url).hostname
    await phone.start({ metaData: { 'dev.hotpatch.pins': `${host}=${pin}` } })
    expect(await phone.call('check')).toMatchObject({ kind: 'up-to-date' })
    const wrong = `${host}=sha256/${Buffer.alloc(32).toString('base64')}`
    await phone.start({ metaData: { 'dev.hotpatch.pins': wrong } })
    expect(await phone.call('check')).toMatchObject({ kind: 'failed', code: 'check-failed' })
  })

  test('a channel that is chosen on the device is kept there', async () => {
    const phone = phoneOf('main')
    await phone.start({}, 'chooser')
    await release('chosen', '10.0.1', bundleOf('chosen'))
    expect(await phone.call('setChannel', 'chosen')).toMatchObject({ channel: 'chosen' })
    expect(await phone.call('check')).toMatchObject({ kind: 'available', version: '10.0.1' })
    expect((await phone.start({}, 'chooser')).status).toMatchObject({ channel: 'chosen' })
    expect(await phone.call('setChannel', null)).toMatchObject({ channel: 'main' })
    await expect(phone.call('setChannel', '')).rejects.toThrow(/^config-invalid: .*the name of a channel/)
  })

  test('an app that is not set up runs what it shipped with, and says why', async () => {
    const phone = phoneOf('main')
    const { bundle, status } = await phone.start({ metaData: { 'dev.hotpatch.publicKeys': 'abc' } })
    expect(bundle).toBe(EMBEDDED)
    const reason = 'dev.hotpatch.publicKeys in the manifest: expected base64 of 32 bytes as key 1, found "abc"'
    expect(status).toMatchObject({ running: { releaseId: null }, isConfigured: false })
    expect(JSON.stringify(status.problem)).toContain(JSON.stringify(reason).slice(1, -1))
    await expect(phone.call('check')).rejects.toThrow(/^config-invalid: .*publicKeys/)
    await phone.start({ asksForNoBundle: true })
    await expect(phone.call('sync')).rejects.toThrow(/^config-invalid: .*HotPatch\.bundleFile/)
  })

  test('http is refused', async () => {
    const phone = phoneOf('http')
    await phone.start({ metaData: { 'dev.hotpatch.apiUrl': stage.network.url.replace('https', 'http') } })
    expect(await phone.sync()).toMatchObject({ kind: 'failed', code: 'insecure-url', isRetryable: false })
    expect(stage.network.refused()).toEqual([])
  })

  test('what another key has signed is not offered, and is refused when it is', async () => {
    const phone = phoneOf('stranger')
    const key = Buffer.alloc(32, 7).toString('base64')
    await phone.start({ metaData: { 'dev.hotpatch.publicKeys': key } })
    await release('stranger', '8.0.1', bundleOf('stranger'))
    expect(await phone.sync()).toMatchObject({ kind: 'up-to-date' })
    // A server that lies about what the key is of.
    let offer: Buffer | undefined
    stage.network.meddle((path, answer) => {
      if (!path.includes('/update/check')) return answer
      offer ??= answer.body
      return { ...answer, body: offer }
    })
    const honest = phoneOf('stranger')
    await honest.start({}, 'honest')
    expect(await honest.call('check')).toMatchObject({ kind: 'available', version: '8.0.1' })
    await phone.start({ metaData: { 'dev.hotpatch.publicKeys': key } })
    expect(await phone.sync()).toMatchObject({ kind: 'failed', code: 'signature-invalid' })
    stage.network.meddle(undefined)
    expect((await phone.start()).bundle).toBe(EMBEDDED)
  })

  // The last one: the server does not come back.
  test('it updates by the files of an edge, while the server does not run, and believes nobody else', async () => {
    const { releaseId } = await release('edge', '11.0.1', bundleOf('of files'))
    await stage.hotpatch('edge', 'enable', '--app', 'shop')
    const data = stage.server.directory
    await eventually(() => readFile(pointerIn(data, app.id, 'edge')))
    await stage.server.stop()
    const root = join(stage.project, 'mirror')
    await copyEdge(data, root)
    mirror = await startEdgeMirror(root, Number(new URL(stage.server.url).port))
    stage.network.passed()

    const phone = phoneOf('edge')
    // No address of a server: what is asked goes to the files.
    const metaData = { 'dev.hotpatch.apiUrl': '', 'dev.hotpatch.edgeUrl': stage.network.url }
    expect((await phone.start({ metaData })).status).toMatchObject({ isConfigured: true })
    expect(await phone.sync()).toMatchObject({ kind: 'staged', releaseId, version: '11.0.1' })
    expect((await phone.start({ metaData })).bundle).toBe(bundleOf('of files'))
    await phone.confirm()
    expect(await phone.sync()).toMatchObject({ kind: 'up-to-date', reason: 'runs-the-target' })
    expect(mirror.asked.filter((path) => !/^\/(edge\/v1|artifacts)\//.test(path))).toEqual([])
    const memory = JSON.parse(await readFile(join(phone.folder, 'ota/edge.json'), 'utf8')) as { marks: unknown[] }
    expect(memory.marks).toMatchObject([{ platform: 'android', channel: 'edge', keysVersion: 1 }])

    const latest = join(root, 'edge', 'v1', app.id, 'android', 'edge', 'latest.json')
    const said = await readFile(latest, 'utf8')
    await writeFile(latest, said.replace(/"payload":"(..)/, '"payload":"AA'))
    expect(await phone.sync()).toMatchObject({ kind: 'failed', code: 'signature-invalid' })
    // Beside a server, which is gone as well, it is told, and the server's failure is what comes of it.
    const beside = { 'dev.hotpatch.edgeUrl': stage.network.url }
    await phone.start({ metaData: beside })
    phone.heard.length = 0
    expect(await phone.sync()).toMatchObject({ kind: 'failed', code: 'check-failed' })
    expect(phone.heard.find(({ type }) => type === 'edge-refused')).toMatchObject({ code: 'signature-invalid' })
    await writeFile(latest, said)
    expect((await phone.start({ metaData })).bundle).toBe(bundleOf('of files'))
    expect(await phone.sync()).toMatchObject({ kind: 'up-to-date' })
  })
})

function bundleOf(name: string, lines = 50): string {
  return Array.from({ length: lines }, (_, line) => `__d(${JSON.stringify(name)},${(line * 7919) % 10_007});`).join(
    '\n',
  )
}

function pinOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256/${createHash('sha256').update(key).digest('base64')}`
}
