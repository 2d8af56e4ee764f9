import { createHash } from 'node:crypto'
import { createMemoryFiles, createVirtualClock, type MemoryFiles } from '@hotpatch/client/memory'
import { createNodeCrypto } from '@hotpatch/client/node'
import { createStop, type HttpRequest, type HttpResponse } from '@hotpatch/device-ground'
import type { KitFile } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import type { ArtifactSource } from '../offers/kit-offer.ts'
import type { KitStep } from '../planning/kit-plan.ts'
import { createStaging, type StagingPorts, type StagingProgress } from './stage.ts'
import { STAGING_LIMITS } from './staging-limits.ts'

const GATEWAY = Buffer.from('the gateway, in its second version. '.repeat(10_000))
const WEB = Buffer.from('the web, as a zip')

function stepOf(bytes: Uint8Array): KitStep {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const file: KitFile = { platform: 'any', architecture: 'any', format: 'raw', sha256, sizeBytes: bytes.length }
  return { component: {} as KitStep['component'], installed: undefined, file }
}

const STEPS = [stepOf(WEB), stepOf(GATEWAY)]
const SHA256 = STEPS.map(({ file }) => file?.sha256 ?? '')
const plan = { steps: STEPS, neededBytes: 2_000_000 }
const ARTIFACTS = SHA256.map((sha256) => `.kit/artifacts/${sha256}`)
const SOURCE: ArtifactSource = { kind: 'http', url: (sha256) => `https://updates.example/artifacts/${sha256}` }

type Answer = {
  status: number
  headers?: Record<string, string>
  body?: Uint8Array
  breaksAt?: number
  hangs?: boolean
}

/** A server in memory, which knows ranges unless `answer` says otherwise. */
function serve(answer: (request: HttpRequest, count: number) => Answer | undefined = () => undefined) {
  const requests: HttpRequest[] = []
  const files = new Map(SHA256.map((sha256, index) => [sha256, index === 0 ? WEB : GATEWAY]))
  const ordinary = ({ url, headers }: HttpRequest): Answer => {
    const bytes = files.get(url.split('/').at(-1) ?? '')
    if (!bytes) return { status: 404 }
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    return {
      status: from > 0 ? 206 : 200,
      headers: { etag: '"v1"', ...(from > 0 && range) },
      body: bytes.subarray(from),
    }
  }
  function open(request: HttpRequest) {
    requests.push(request)
    const {
      status,
      headers = {},
      body = new Uint8Array(),
      breaksAt,
      hangs,
    } = answer(request, requests.length) ?? ordinary(request)
    let abort = () => {}
    const aborted = new Promise<never>((_resolve, reject) => {
      abort = () => reject(new Error('aborted'))
    })
    aborted.catch(() => undefined)
    async function* chunks() {
      for (let at = 0; at < body.length; at += 100_000) {
        if (breaksAt !== undefined && at + 100_000 > breaksAt) {
          yield body.subarray(at, breaksAt)
          throw new Error('the connection broke')
        }
        yield body.subarray(at, at + 100_000)
      }
    }
    const response: HttpResponse = { status, headers, body: chunks() }
    return { response: hangs ? aborted : Promise.resolve(response), abort }
  }
  return { requests, http: { open } }
}

function stagingOn(
  disk: MemoryFiles,
  { http }: Pick<ReturnType<typeof serve>, 'http'>,
  more: Partial<StagingPorts> = {},
) {
  const list = (path: string) => {
    const names = new Set([...(disk.tree(path)?.keys() ?? [])].map((name) => name.split('/')[0] ?? ''))
    return Promise.resolve([...names].toSorted())
  }
  return createStaging({
    disk: { ...disk, list },
    http,
    clock: createVirtualClock({ whenIdle: setImmediate }),
    crypto: createNodeCrypto(),
    allowInsecure: 'loopback',
    openFolder: () => createMemoryFiles(),
    limits: { ...STAGING_LIMITS, deadlineMs: 600_000 },
    ...more,
  })
}

async function expectStaged(disk: MemoryFiles) {
  const [web, gateway] = await Promise.all(ARTIFACTS.map((path) => disk.read(path)))
  expect(web && Buffer.from(web)).toEqual(WEB)
  expect(gateway && Buffer.from(gateway)).toEqual(GATEWAY)
  expect([...(disk.tree('.kit/artifacts')?.keys() ?? [])].toSorted()).toEqual([...SHA256].toSorted())
}

describe('all artifacts are there before anything is touched', () => {
  test('each is fetched once, and not again when it is there', async () => {
    const [disk, server] = [createMemoryFiles(), serve()]
    const staging = stagingOn(disk, server)
    const told: StagingProgress[] = []
    const { receivedBytes } = await staging.stage(plan, SOURCE, { onProgress: (progress) => told.push(progress) })
    await expectStaged(disk)
    expect(receivedBytes).toBe(WEB.length + GATEWAY.length)
    expect(told.at(-1)).toEqual({ doneBytes: receivedBytes, totalBytes: receivedBytes })
    expect(await staging.stage(plan, SOURCE)).toEqual({ receivedBytes: 0 })
    expect(server.requests).toHaveLength(2)
  })

  test('what a disk has damaged since is fetched again', async () => {
    const disk = createMemoryFiles()
    const staging = stagingOn(disk, serve())
    await staging.stage(plan, SOURCE)
    await disk.write(ARTIFACTS[1] ?? '', Buffer.alloc(GATEWAY.length))
    await staging.stage(plan, SOURCE)
    await expectStaged(disk)
  })

  test('a line that breaks again and again is gone on with, from where it broke', async () => {
    const [disk, server] = [createMemoryFiles(), serve((request, count) => brokenAnswer(request, count))]
    function brokenAnswer({ url, headers }: HttpRequest, count: number): Answer | undefined {
      if (!url.endsWith(SHA256[1] ?? '') || count > 9) return undefined
      const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0)
      const range = { 'content-range': `bytes ${from}-${GATEWAY.length - 1}/${GATEWAY.length}` }
      return {
        status: from > 0 ? 206 : 200,
        headers: { etag: '"v1"', ...range },
        body: GATEWAY.subarray(from),
        breaksAt: 30_000,
      }
    }
    const { receivedBytes } = await stagingOn(disk, server).stage(plan, SOURCE)
    await expectStaged(disk)
    expect(receivedBytes).toBe(WEB.length + GATEWAY.length)
    expect(server.requests.length).toBeGreaterThan(STAGING_LIMITS.attempts)
    expect(server.requests[2]?.headers).toMatchObject({ range: 'bytes=30000-', 'if-range': '"v1"' })
  })

  test('a server that begins anew is followed, and a part of another file is thrown away', async () => {
    const disk = createMemoryFiles()
    const server = serve(({ url }, count) => {
      if (!url.endsWith(SHA256[1] ?? '')) return undefined
      if (count === 2)
        return { status: 200, headers: { etag: '"v0"' }, body: Buffer.alloc(GATEWAY.length), breaksAt: 60_000 }
      if (count === 3)
        return { status: 206, headers: { 'content-range': `bytes 0-9/${GATEWAY.length}` }, body: GATEWAY }
      return count === 4 ? { status: 200, body: GATEWAY } : undefined
    })
    await stagingOn(disk, server).stage(plan, SOURCE)
    await expectStaged(disk)
  })

  test('a part whose beginning was another file is thrown away once it is whole', async () => {
    const disk = createMemoryFiles()
    const staging = stagingOn(disk, serve())
    await staging.stage({ ...plan, steps: STEPS.slice(0, 1) }, SOURCE)
    await disk.append(`${ARTIFACTS[1]}.part`, 0, Buffer.alloc(1_000))
    await disk.write(`${ARTIFACTS[1]}.part.json`, Buffer.from(JSON.stringify({ sha256: SHA256[1], etag: '' })))
    await staging.stage(plan, SOURCE)
    await expectStaged(disk)
  })

  test.each([
    ['a note of something else', '{"sha256":"x","etag":""}'],
    ['a damaged note', '{'],
  ])('%s is not gone on with', async (_what, note) => {
    const [disk, server] = [createMemoryFiles(), serve()]
    await disk.makeDirectory('.kit/artifacts')
    await disk.append(`${ARTIFACTS[0]}.part`, 0, Buffer.alloc(5))
    await disk.write(`${ARTIFACTS[0]}.part.json`, Buffer.from(note))
    await stagingOn(disk, server).stage(plan, SOURCE)
    expect(server.requests[0]?.headers).not.toHaveProperty('range')
    await expectStaged(disk)
  })
})

describe('what cannot be had', () => {
  const onGateway = (answer: Answer) => serve(({ url }) => (url.endsWith(SHA256[1] ?? '') ? answer : undefined))

  test.each<[string, Answer, string, number]>([
    ['other bytes of the same length', { status: 200, body: Buffer.alloc(GATEWAY.length) }, 'hash-mismatch', 2],
    ['more bytes than were signed', { status: 200, body: Buffer.concat([GATEWAY, WEB]) }, 'hash-mismatch', 2],
    ['nothing', { status: 404 }, 'download-failed', 2],
    ['a refusal', { status: 403 }, 'download-failed', 2],
    [
      'something encoded',
      { status: 200, headers: { 'content-encoding': 'gzip' }, body: GATEWAY },
      'download-failed',
      2,
    ],
    [
      'a redirect to where it is not https',
      { status: 302, headers: { location: 'http://192.0.2.1/x' } },
      'download-failed',
      2,
    ],
    [
      'a redirect to what listens on this machine',
      { status: 302, headers: { location: 'http://127.0.0.1:8080/x' } },
      'download-failed',
      2,
    ],
    ['redirects without end', { status: 302, headers: { location: '/artifacts/again' } }, 'download-failed', 3],
    ['an error each time', { status: 500 }, 'download-failed', 1 + STAGING_LIMITS.attempts],
    ['silence', { status: 200, hangs: true }, 'download-failed', 1 + STAGING_LIMITS.attempts],
    ['less each time', { status: 200, body: GATEWAY.subarray(0, 0) }, 'download-failed', 1 + STAGING_LIMITS.attempts],
  ])('%s: none of it has the name of an artifact', async (_what, answer, code, requests) => {
    const [disk, server] = [createMemoryFiles(), onGateway(answer)]
    await expect(stagingOn(disk, server).stage(plan, SOURCE)).rejects.toMatchObject({ code })
    expect(await disk.stat(ARTIFACTS[1] ?? '')).toBeUndefined()
    expect(server.requests).toHaveLength(requests)
  })

  test('a server that asks for patience gets it', async () => {
    const [disk, clock] = [createMemoryFiles(), createVirtualClock({ whenIdle: setImmediate })]
    const server = serve((_request, count) =>
      count === 1 ? { status: 503, headers: { 'retry-after': '120' } } : undefined,
    )
    await stagingOn(disk, server, { clock }).stage(plan, SOURCE)
    expect(clock.waits()).toContain(120_000)
    await expectStaged(disk)
  })

  test('a trickle is not waited for without end', async () => {
    const [disk, clock] = [createMemoryFiles(), createVirtualClock({ whenIdle: setImmediate })]
    const trickle = serve(({ headers }) => {
      const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0)
      const range = { 'content-range': `bytes ${from}-${GATEWAY.length - 1}/${GATEWAY.length}` }
      return { status: from > 0 ? 206 : 200, headers: from > 0 ? range : {}, body: GATEWAY.subarray(from), breaksAt: 1 }
    })
    const limits = { ...STAGING_LIMITS, deadlineMs: 30_000 }
    const staged = stagingOn(disk, trickle, { clock, limits }).stage({ ...plan, steps: STEPS.slice(1) }, SOURCE)
    await expect(staged).rejects.toMatchObject({ code: 'download-failed' })
    expect(clock.elapsed()).toBeLessThan(35_000)
  })

  test('an artifact that is larger than anybody could mean is not begun', async () => {
    const [disk, server] = [createMemoryFiles(), serve()]
    const limits = { ...STAGING_LIMITS, artifactBytes: 100 }
    await expect(stagingOn(disk, server, { limits }).stage(plan, SOURCE)).rejects.toMatchObject({
      code: 'download-failed',
    })
    expect(server.requests).toHaveLength(1)
  })

  test('a stop keeps what came, and the next time goes on', async () => {
    const [disk, stop] = [createMemoryFiles(), createStop()]
    const server = serve()
    const onProgress = ({ doneBytes }: StagingProgress) => doneBytes > 200_000 && stop.stop()
    const stopped = stagingOn(disk, server).stage(plan, SOURCE, { stopped: stop, onProgress })
    await expect(stopped).rejects.toMatchObject({ code: 'stopped' })
    await stagingOn(disk, server).stage(plan, SOURCE)
    expect(server.requests.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d+-$/)
    await expectStaged(disk)
  })
})

describe('a disk', () => {
  test('that says it is too small is not filled', async () => {
    const [disk, server] = [createMemoryFiles(), serve()]
    const small = Object.assign(disk, { freeBytes: () => Promise.resolve(1_999_999) })
    await expect(stagingOn(small, server).stage(plan, SOURCE)).rejects.toMatchObject({ code: 'storage-full' })
    expect(server.requests).toEqual([])
  })

  test('that is full in the middle says so', async () => {
    const disk = createMemoryFiles({ fullAt: 9 })
    await expect(stagingOn(disk, serve()).stage(plan, SOURCE)).rejects.toMatchObject({ code: 'storage-full' })
  })

  test('whose power goes at any change has what was signed under its name, or nothing', async () => {
    const whole = createMemoryFiles()
    await stagingOn(whole, serve()).stage(plan, SOURCE)
    for (let stopAt = 1; stopAt <= whole.changes(); stopAt += 1) {
      for (const survival of ['worst', 'best'] as const) {
        const disk = createMemoryFiles({ stopAt })
        await expect(stagingOn(disk, serve()).stage(plan, SOURCE)).rejects.toThrow()
        const after = disk.cutPower(survival)
        for (const [index, path] of ARTIFACTS.entries()) {
          const found = await after.read(path)
          if (found) expect(Buffer.from(found).equals(index === 0 ? WEB : GATEWAY)).toBe(true)
        }
        await stagingOn(after, serve()).stage(plan, SOURCE)
        await expectStaged(after)
      }
    }
  })

  test('keeps what is needed for a way back, and nothing else', async () => {
    const disk = createMemoryFiles()
    const staging = stagingOn(disk, serve())
    await staging.stage(plan, SOURCE)
    await disk.write('.kit/artifacts/old.part', WEB)
    expect(await staging.missingOf([{ sha256: SHA256[0] ?? '', sizeBytes: WEB.length }])).toEqual([])
    await staging.sweep([{ sha256: SHA256[1] ?? '' }])
    expect([...(disk.tree('.kit/artifacts')?.keys() ?? [])]).toEqual([SHA256[1]])
    expect(await staging.missingOf([{ sha256: SHA256[0] ?? '', sizeBytes: WEB.length }])).toHaveLength(1)
  })
})

describe('a bundle that somebody has brought', () => {
  async function bundle(files: Record<string, Uint8Array>) {
    const folder = createMemoryFiles()
    await folder.makeDirectory('artifacts')
    for (const [name, bytes] of Object.entries(files)) await folder.write(`artifacts/${name}`, bytes)
    return { openFolder: () => folder }
  }
  const FOLDER: ArtifactSource = { kind: 'folder', path: '/media/stick' }

  test('is copied, and asks no network', async () => {
    const [disk, server] = [createMemoryFiles(), serve()]
    const brought = await bundle({ [SHA256[0] ?? '']: WEB, [SHA256[1] ?? '']: GATEWAY })
    await stagingOn(disk, server, brought).stage(plan, FOLDER)
    await expectStaged(disk)
    expect(server.requests).toEqual([])
  })

  test.each([
    ['lacks an artifact', { [SHA256[0] ?? '']: WEB }, 'download-failed'],
    ['has one of another size', { [SHA256[0] ?? '']: WEB, [SHA256[1] ?? '']: WEB }, 'hash-mismatch'],
    ['has other bytes', { [SHA256[0] ?? '']: Buffer.alloc(WEB.length) }, 'hash-mismatch'],
  ])('one that %s is refused', async (_what, files, code) => {
    const staged = stagingOn(createMemoryFiles(), serve(), await bundle(files)).stage(plan, FOLDER)
    await expect(staged).rejects.toMatchObject({ code })
  })
})
