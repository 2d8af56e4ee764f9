import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Guard, Page, PublishedRelease, Release, Rollout } from '@hotpatch/api'
import { readExpoUpdateId } from '@hotpatch/protocol'
import {
  STORY_DATABASES,
  openWatchedLine,
  runCliProcess,
  sha256Of,
  startCliProcess,
  startServerProcess,
  temporaryDirectory,
} from '@hotpatch/testkit'
import { createSimulatedExpoClient, exportOf } from '@hotpatch/testkit/expo'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runUpdateProcess } from '../packages/asset-updates/src/testing/run-update-process.ts'

const ASSETS = 1_000
const FLEET = 30
const EMBEDDED = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'
/** What devices tell is stored a moment later, and other servers' tests may have the processor. */
const PATIENT = { interval: 200 }
const BUILT_AT = Date.parse('2020-01-01T00:00:00Z')

interface Asset {
  ext: string
  bytes: string
}

const someAsset = (): Asset => ({ ext: 'png', bytes: randomBytes(200).toString('hex') })

describe.each(STORY_DATABASES)('an app whose devices are of both kinds, on %s', (_name, open) => {
  test('its updates are sent through kill -9, change one asset of a thousand, widen, trip a guard and are taken back', async () => {
    const { env, drop } = await open()
    const directory = await temporaryDirectory()
    const line = await openWatchedLine()
    const server = await startServerProcess({
      directory: join(directory, 'data'),
      env: {
        ...env,
        HOTPATCH_LOG_LEVEL: 'info',
        HOTPATCH_PUBLIC_URL: line.url,
        HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0',
        HOTPATCH_AUTOMATION_SECONDS: '0.2',
      },
    })
    const [, address = ''] = /Server listening at (http[^\s"]+)/.exec(server.output()) ?? []
    line.leadTo(address)
    onTestFinished(async () => {
      line.stop()
      await server.stop()
      await drop()
    })

    // The publisher.
    const work = join(directory, 'work')
    await mkdir(work)
    const tool = {
      cwd: work,
      env: { HOME: directory, TMPDIR: directory, HOTPATCH_URL: line.url, HOTPATCH_TOKEN: server.ownerToken },
    }
    async function hotpatch<Result>(...words: string[]): Promise<Result> {
      const { code, stdout, stderr } = await runCliProcess([...words, '--json'], tool)
      expect([words, code, stderr]).toEqual([words, 0, expect.anything()])
      return JSON.parse(stdout) as Result
    }
    async function api<Result>(method: string, path: string, body?: object): Promise<Result> {
      const response = await fetch(address + path, {
        method,
        headers: {
          authorization: `Bearer ${server.ownerToken}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      expect([method, path, response.status]).toEqual([method, path, expect.toSatisfy((status) => status < 300)])
      return (await response.json()) as Result
    }
    const MANAGE = '/manage/v1/apps/lumora'
    const app = { slug: 'lumora', platforms: ['android'], checkAccess: 'open', deviceIds: 'as-given' }
    await api('POST', '/manage/v1/apps', app)
    await writeFile(join(work, 'hotpatch.json'), JSON.stringify({ app: 'lumora', platforms: ['android'] }))
    await hotpatch('keys', 'generate')

    /** What `expo export` would leave in this folder. */
    async function exported(bundle: string, assets: readonly Asset[]) {
      await rm(join(work, 'dist'), { recursive: true, force: true })
      for (const [path, text] of Object.entries(exportOf({ bundle, assets }))) {
        await mkdir(dirname(join(work, 'dist', path)), { recursive: true })
        await writeFile(join(work, 'dist', path), text)
      }
    }
    const words = (version: string, ...more: string[]) => [
      'publish',
      'dist',
      '--version',
      version,
      '--runtime-version',
      '1.0.0',
      '--message',
      `Version ${version}`,
      ...more,
      '--yes',
    ]
    const publish = (version: string, ...more: string[]) => hotpatch<PublishedRelease>(...words(version, ...more))

    // The devices: one follows the contract of asset updates, in processes of its own, the others are of Expo.
    const lumora = { directory: join(directory, 'device'), serverUrl: line.url, projectId: 'lumora', publicKey: '' }
    const runLumora = (more: { crashes?: boolean } = {}) =>
      runUpdateProcess({ ...lumora, platform: 'android', ...more })
    const broken = new Set<string>()
    const checkOf = async (headers: Readonly<Record<string, string>>) => {
      const response = await fetch(`${line.url}/expo/lumora/manifest`, { headers })
      return { status: response.status, headers: [...response.headers].flat(), body: await response.text() }
    }
    const fetchAsset = async (url: string, headers: Readonly<Record<string, string>>) =>
      new Uint8Array(await (await fetch(url, { headers })).arrayBuffer())
    /** Of the fleet nobody needs the files. */
    function createExpoDevice({ fetches = false } = {}) {
      const deviceId = randomUUID()
      const client = createSimulatedExpoClient({
        platform: 'android',
        deviceId,
        runtimeVersion: '1.0.0',
        embedded: { id: EMBEDDED, builtAt: BUILT_AT },
        starts: (id) => !broken.has(readExpoUpdateId(id)?.digestStart ?? ''),
        ...(fetches && { fetchAsset }),
      })
      const poll = async () => client.take(await checkOf(client.headers()))
      return { ...client, deviceId, poll }
    }
    const expo = createExpoDevice({ fetches: true })
    const runsOnExpo = () => readExpoUpdateId(expo.launched())?.digestStart
    const startOf = async ({ releaseId }: Pick<PublishedRelease, 'releaseId'>) => {
      const { content } = await api<Release>('GET', `/manage/v1/releases/${releaseId}`)
      return content.kind === 'files' ? content.sha256.slice(0, 15) : ''
    }
    /** What both would get, and why. */
    async function why() {
      const [ofExpo, ofLumora] = await Promise.all(
        [expo.deviceId, 'device-1'].map((id) =>
          api<{ decision: { kind: string; reason: string } }>('GET', `${MANAGE}/devices/${id}/explain`),
        ),
      )
      return [ofExpo, ofLumora].map((each) => `${each?.decision.kind}: ${each?.decision.reason}`)
    }

    // The tool is killed in the middle of an upload: nothing is published, and what arrived is not sent again.
    const assets = Array.from({ length: ASSETS }, someAsset)
    await exported('start(1)', assets)
    const stalled = line.stallUploads()
    const killed = startCliProcess(words('1.0.0'), tool)
    const early = await Promise.race([stalled, killed.ended])
    expect(early).toBe(undefined)
    killed.kill('SIGKILL')
    expect((await killed.ended).code).toBe(null)
    line.goOn()
    expect((await api<Page<Release>>('GET', `${MANAGE}/releases`)).items).toEqual([])
    const sentBefore = line.uploadedBytes()
    line.forget()
    const first = await publish('1.0.0')
    const firstStart = await startOf(first)
    expect(sentBefore).toBeGreaterThan(100_000)
    // A quarter was acknowledged.
    expect(line.uploadedBytes()).toBeLessThan(ASSETS * 400 * 2)
    expect((await api<Page<Release>>('GET', `${MANAGE}/releases`)).items).toHaveLength(1)

    // Everybody gets it.
    expect(await runLumora()).toMatchObject({
      launched: { kind: 'embedded' },
      state: { kind: 'ready', update: { version: '1.0.0', notes: 'Version 1.0.0' } },
    })
    line.forget()
    expect(await expo.poll()).toBe('loaded')
    expect(line.sent.size).toBe(ASSETS + 1)
    expo.launch()
    expect(runsOnExpo()).toBe(firstStart)
    expect(await expo.poll()).toBe('nothing')
    expect(await runLumora()).toMatchObject({
      launched: { version: '1.0.0' },
      state: { kind: 'up-to-date' },
    })
    await expect.poll(why, PATIENT).toEqual(['up-to-date: runs-the-target', 'up-to-date: runs-the-target'])

    // One asset of a thousand changes, for nobody yet, then for some: the same ones, whichever way they ask.
    const changed = { ext: 'png', bytes: randomBytes(300).toString('hex') }
    const changedSha256 = sha256Of(Buffer.from(changed.bytes))
    const second = [...assets.slice(0, 7), changed, ...assets.slice(8)]
    await exported('start(1)', second)
    line.forget()
    const next = await publish('1.1.0', '--rollout', '0')
    const listBytes = (await api<Release>('GET', `/manage/v1/releases/${next.releaseId}`)).content
    const manifestBytes = listBytes.kind === 'files' ? listBytes.sizeBytes : 0
    const metadata = exportOf({ bundle: 'start(1)', assets: second })['metadata.json'] ?? ''
    // The asset, what names it, and what lists all; and the words around them.
    expect(line.uploadedBytes()).toBeLessThan(manifestBytes + metadata.length + changed.bytes.length + 4_000)
    expect(await expo.poll()).toBe('nothing')
    expect(await runLumora()).toMatchObject({ state: { kind: 'up-to-date' } })
    expect(await why()).toEqual(['up-to-date: runs-the-target', 'up-to-date: runs-the-target'])
    const rollouts = await api<Page<Rollout>>('GET', `${MANAGE}/rollouts`)
    expect(rollouts.items[0]).toMatchObject({ id: next.rolloutId, percentage: 0 })

    const widen = (rolloutPercentage: number) =>
      api('PUT', `/apps/lumora/api/v1/deployments/${next.rolloutId}`, { rolloutPercentage })
    await widen(50)
    const fleet = Array.from({ length: FLEET }, () => createExpoDevice())
    const share = await Promise.all(
      fleet.map(async ({ deviceId }) => {
        const asked = { platform: 'android', deviceId, runtimeVersion: '1.0.0', channel: 'production' }
        const { update } = await api<{ update?: { version: string } }>(
          'POST',
          '/apps/lumora/api/v1/updates/check',
          asked,
        )
        return update?.version
      }),
    )
    for (const [index, device] of fleet.entries()) {
      const { body } = await checkOf(device.headers())
      expect([index, body.includes(changedSha256)]).toEqual([index, share[index] === '1.1.0'])
    }
    expect(new Set(share)).toEqual(new Set(['1.0.0', '1.1.0']))
    await widen(100)
    line.forget()
    await expect.poll(expo.poll, PATIENT).toBe('loaded')
    expect([...line.sent]).toEqual([[changedSha256, changed.bytes.length]])
    line.forget()
    expect(await runLumora()).toMatchObject({ state: { kind: 'ready', update: { version: '1.1.0' } } })
    expect(line.sent.get(changedSha256)).toBe(changed.bytes.length)
    expect(line.sent.get(sha256Of(Buffer.from(metadata)))).toBeLessThanOrEqual(metadata.length)
    // And the list.
    expect(line.sent.size).toBe(3)
    expect([...line.sent.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(
      manifestBytes + metadata.length + changed.bytes.length,
    )
    expo.launch()
    expect(runsOnExpo()).toBe(await startOf(next))
    expect(await expo.poll()).toBe('nothing')
    expect(await runLumora()).toMatchObject({ launched: { version: '1.1.0' } })
    await expect.poll(why, PATIENT).toEqual(['up-to-date: runs-the-target', 'up-to-date: runs-the-target'])

    // A bad one: each goes back by itself, says so in its own words, and enough of them trip the guard.
    await exported('throw 1', second)
    const guard = ['--guard', 'roll-back', '--guard-sample', '10', '--guard-times', 'off']
    const bad = await publish('1.2.0', ...guard)
    broken.add(await startOf(bad))
    expect(await runLumora()).toMatchObject({ state: { kind: 'ready', update: { version: '1.2.0' } } })
    expect(await runLumora({ crashes: true })).toMatchObject({ launched: { version: '1.2.0' } })
    expect(await expo.poll()).toBe('loaded')
    expo.launch()
    expect(runsOnExpo()).toBe(await startOf(next))
    const says = expo.headers()
    expect(says['expo-recent-failed-update-ids']).toMatch(/^"[0-9a-f-]{36}"$/)
    expect(says['expo-fatal-error']).toContain('does not start')
    expect((await checkOf(says)).status).toBe(204)
    expect(await runLumora()).toMatchObject({ launched: { version: '1.1.0' }, state: { kind: 'up-to-date' } })
    const crashed = await hotpatch<{
      rollouts: { version: string; verdicts: { rule: string; passed: boolean; reason: string | null }[] }[]
      lastSaid: { events: { kind: string; version: string | null; detail: string | null }[] }
    }>('why', expo.deviceId)
    expect(crashed.rollouts.find(({ version }) => version === '1.2.0')?.verdicts).toContainEqual(
      expect.objectContaining({ rule: 'D4', passed: false }),
    )
    expect(crashed.lastSaid.events).toContainEqual(
      expect.objectContaining({
        kind: 'crashed',
        version: '1.2.0',
        detail: expect.stringContaining('does not start'),
      }),
    )
    const [late, ...others] = fleet
    for (const device of others) {
      expect(await device.poll()).toBe('loaded')
      device.launch()
      await device.poll()
    }
    const guardOf = () => api<Guard>('GET', `/manage/v1/rollouts/${bad.rolloutId}/guard`)
    await expect.poll(async () => (await guardOf()).state, { interval: 200 }).toBe('tripped')
    const [back] = (await api<Page<Rollout>>('GET', `${MANAGE}/rollouts`)).items
    expect(back).toMatchObject({ releaseId: next.releaseId, createdBy: 'guard' })
    await expect.poll(why, PATIENT).toEqual(['up-to-date: runs-the-target', 'up-to-date: runs-the-target'])
    // Whoever had not tried it gets what it goes back to.
    expect(await late?.poll()).toBe('loaded')
    late?.launch()
    expect(readExpoUpdateId(late?.launched() ?? '')?.digestStart).toBe(await startOf(next))

    // Back to the earlier release: nothing is fetched that is still there.
    await hotpatch('rollback', '--to', '1.0.0', '--yes')
    line.forget()
    await expect.poll(expo.poll, PATIENT).toBe('loaded')
    expect(line.sent.size).toBeLessThanOrEqual(1)
    expo.launch()
    expect(runsOnExpo()).toBe(firstStart)
    expect(await expo.poll()).toBe('nothing')
    expect(await runLumora()).toMatchObject({ state: { kind: 'ready', update: { version: '1.0.0' } } })
    expect(await runLumora()).toMatchObject({ launched: { version: '1.0.0' }, state: { kind: 'up-to-date' } })
    await expect.poll(why, PATIENT).toEqual(['up-to-date: runs-the-target', 'up-to-date: runs-the-target'])

    // And to what the binary shipped with.
    await hotpatch('rollback', '--to', 'embedded', '--yes')
    await expect
      .poll(why, PATIENT)
      .toEqual([expect.stringMatching(/^embedded: /), expect.stringMatching(/^embedded: /)])
    expect(await expo.poll()).toBe('sent-back')
    expo.launch()
    expect(expo.launched()).toBe(EMBEDDED)
    expect(await expo.poll()).toBe('nothing')
    await runLumora()
    expect(await runLumora()).toMatchObject({ launched: { kind: 'embedded' }, state: { kind: 'up-to-date' } })
    await expect.poll(why, PATIENT).toEqual(['up-to-date: runs-the-target', 'up-to-date: runs-the-target'])
    const told = await Promise.all([expo.deviceId, 'device-1'].map((id) => runCliProcess(['why', id], tool)))
    for (const { code, stdout } of told) {
      expect([code, stdout]).toEqual([0, expect.stringContaining('what its binary shipped with')])
    }
  })
})
