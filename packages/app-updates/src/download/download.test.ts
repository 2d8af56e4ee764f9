import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createStop } from '@hotpatch/device-ground'
import { AppUpdateError } from '../ground/app-update-error.ts'
import { DEFAULT_LIMITS, type Limits } from '../ground/settings.ts'
import { createMemoryHost } from '../testing/memory-host.ts'
import type { ScriptedAnswer } from '../testing/scripted-http.ts'
import { createMemoryPart } from '../testing/memory-part.ts'
import { download, StoppedError, type DownloadContext, type Wanted } from './download.ts'

interface DownloadCase {
  comment: string
  part?: { bytes: string; etag: string; sha256?: string }
  pieceBytes?: number
  exchanges: { url?: string; range?: string; ifRange?: string; answer: ScriptedAnswer }[]
  outcome: string
  left: number
}

const { file, cases } = JSON.parse(
  readFileSync(new URL('../../../../vectors/app-versions-download.json', import.meta.url), 'utf8'),
) as { file: { text: string; sha256: string; sizeBytes: number; url: string }; cases: DownloadCase[] }

const { text, ...announced } = file
const wanted: Wanted = { ...announced, version: '1.1.0+2', versionCode: 2, fileName: 'app.apk' }
const utf8 = (content: string) => new TextEncoder().encode(content)

type Parts = ReturnType<typeof createMemoryHost>

function contextOf({ host }: Pick<Parts, 'host'>, limits: Partial<Limits> = {}) {
  const progress: number[] = []
  const stop = createStop()
  const context: DownloadContext = {
    host,
    limits: { ...DEFAULT_LIMITS, ...limits },
    allowInsecure: false,
    stopped: stop,
    onProgress: (received) => progress.push(received),
  }
  return { context, progress, stop }
}

async function outcomeOf(work: Promise<void>): Promise<string> {
  try {
    await work
    return 'verified'
  } catch (error) {
    if (error instanceof AppUpdateError) return error.code
    throw error
  }
}

test.each(cases)('App versions §9: $comment', async ({ part, pieceBytes, exchanges, outcome, left }) => {
  const parts = createMemoryHost(
    exchanges.map(({ answer }) => answer),
    pieceBytes,
  )
  if (part) {
    const { bytes, etag, sha256 = wanted.sha256 } = part
    const { url: _, ...note } = wanted
    await parts.part.writeNote(JSON.stringify({ ...note, sha256, etag }))
    await parts.part.append(0, utf8(bytes))
  }
  expect(await outcomeOf(download(wanted, contextOf(parts).context))).toBe(outcome)
  const asked = parts.http.requests.map(({ url, headers }) => ({
    url,
    range: headers.range,
    ifRange: headers['if-range'],
  }))
  expect(asked).toEqual(exchanges.map(({ url = wanted.url, range, ifRange }) => ({ url, range, ifRange })))
  for (const { headers } of parts.http.requests) expect(headers['accept-encoding']).toBe('identity')
  expect(parts.part.bytes()?.length ?? 0).toBe(left)
  if (outcome === 'verified') expect(parts.part.bytes()).toEqual(utf8(text))
  expect(parts.part.revealed()).toBeUndefined()
})

describe('bounds', () => {
  test('a file above the limit is not asked for', async () => {
    const parts = createMemoryHost([])
    const { context } = contextOf(parts, { fileBytes: wanted.sizeBytes - 1 })
    expect(await outcomeOf(download(wanted, context))).toBe('download-too-large')
    expect(parts.http.requests).toEqual([])
  })

  test('nor one that there is no room for, counting what is there already', async () => {
    const parts = createMemoryHost([{ status: 200, body: text }])
    const host = { ...parts.host, part: { ...parts.part, freeBytes: async () => wanted.sizeBytes - 1 } }
    expect(await outcomeOf(download(wanted, contextOf({ host }).context))).toBe('storage-full')
    await parts.part.append(0, utf8('x'))
    expect(await outcomeOf(download(wanted, contextOf({ host }).context))).toBe('verified')
  })

  test('a disk that is full says so, and keeps what it has', async () => {
    const parts = createMemoryHost([{ status: 200, body: text.slice(0, 20), breaks: true }])
    const part = createMemoryPart(undefined, { fullAt: 10 })
    expect(await outcomeOf(download(wanted, contextOf({ host: { ...parts.host, part } }).context))).toBe('storage-full')
    expect(parts.http.requests).toHaveLength(1)
  })

  test('silence ends it, with what came', async () => {
    const parts = createMemoryHost([])
    const silent = {
      open: () => ({ response: new Promise<never>(() => {}), abort: () => {} }),
    }
    const { context } = contextOf({ host: { ...parts.host, http: silent } }, { idleTimeoutMs: 100 })
    expect(await outcomeOf(download(wanted, context))).toBe('download-timeout')
    expect(parts.clock.waits.filter((ms) => ms === 100)).toHaveLength(DEFAULT_LIMITS.downloadAttempts)
  })

  test('a Retry-After beyond the whole time is not waited for', async () => {
    const parts = createMemoryHost([{ status: 503, headers: { 'retry-after': '40' }, body: '' }])
    const { context } = contextOf(parts, { downloadTimeoutMs: 30_000 })
    expect(await outcomeOf(download(wanted, context))).toBe('download-failed')
    expect(parts.http.requests).toHaveLength(1)
  })

  test('what never ends is cut off at the announced size', async () => {
    const parts = createMemoryHost([])
    let sent = 0
    async function* endless() {
      for (;;) {
        sent += 1024
        yield new Uint8Array(1024)
      }
    }
    const http = {
      open: () => ({ response: Promise.resolve({ status: 200, headers: {}, body: endless() }), abort: () => {} }),
    }
    const context = contextOf({ host: { ...parts.host, http } }).context
    expect(await outcomeOf(download({ ...wanted, sizeBytes: 1_000_000 }, context))).toBe('download-too-large')
    expect(sent).toBeLessThan(1_002_048)
  })
})

test('an app that allows it takes http: from this machine, and from nowhere else', async () => {
  const parts = createMemoryHost([{ status: 200, body: text }])
  const context = { ...contextOf(parts).context, allowInsecure: 'loopback' as const }
  expect(await outcomeOf(download({ ...wanted, url: 'http://127.0.0.1:1/a.apk' }, context))).toBe('verified')
  const elsewhere = { ...contextOf(createMemoryHost([])).context, allowInsecure: 'loopback' as const }
  expect(await outcomeOf(download({ ...wanted, url: 'http://10.0.0.1/a.apk' }, elsewhere))).toBe('insecure-url')
})

test('where a host follows redirects by itself, it is looked at where they led', async () => {
  const parts = createMemoryHost([])
  const http = {
    open: () => ({
      response: Promise.resolve({ status: 200, headers: {}, body: bodyOf(text), url: 'http://elsewhere.example.com/' }),
      abort: () => {},
    }),
  }
  expect(await outcomeOf(download(wanted, contextOf({ host: { ...parts.host, http } }).context))).toBe('insecure-url')
})

test('progress rises to the whole', async () => {
  const parts = createMemoryHost([{ status: 200, body: text.slice(0, 10) }, partFrom(10)])
  const { context, progress } = contextOf(parts)
  await download(wanted, context)
  expect(progress).toEqual([...progress].toSorted((a, b) => a - b))
  expect(progress.at(-1)).toBe(wanted.sizeBytes)
})

test('stopped in the middle, what came stays, and is gone on with', async () => {
  const parts = createMemoryHost([])
  const { context, stop } = contextOf({
    host: {
      ...parts.host,
      http: {
        open: () => ({
          response: Promise.resolve({ status: 200, headers: { etag: '"v1"' }, body: stoppingBody() }),
          abort: () => {},
        }),
      },
    },
  })
  async function* stoppingBody() {
    yield utf8(text.slice(0, 15))
    stop.stop()
    throw new Error('aborted')
  }
  await expect(download(wanted, context)).rejects.toThrow(StoppedError)
  expect(parts.part.bytes()).toHaveLength(15)
  const rest = createMemoryHost([partFrom(15)])
  await download(wanted, contextOf({ host: { ...rest.host, part: parts.part } }).context)
  expect(parts.part.bytes()).toEqual(utf8(text))
})

async function* bodyOf(content: string) {
  yield utf8(content)
}

function partFrom(offset: number): ScriptedAnswer {
  const headers = { 'content-range': `bytes ${offset}-${wanted.sizeBytes - 1}/${wanted.sizeBytes}` }
  return { status: 206, headers, body: text.slice(offset) }
}
