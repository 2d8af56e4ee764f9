import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { AppUpdaterOptions } from '../ground/settings.ts'
import { createMemoryHost } from '../testing/memory-host.ts'
import type { ScriptedAnswer } from '../testing/scripted-http.ts'
import { createAppUpdater } from './updater.ts'

const FILE = 'the file'
const SHA256 = createHash('sha256').update(FILE).digest('hex')
const OPTIONS: AppUpdaterOptions = {
  serverUrl: 'https://updates.example.com',
  platform: 'android',
  installedVersion: '1.0.0+1',
}

function offer(fields: object = {}): ScriptedAnswer {
  const body = {
    update_available: true,
    latest_version: '1.1.0+2',
    download_url: 'https://cdn.example.com/app.apk',
    file_size: FILE.length,
    checksum: SHA256,
    is_mandatory: false,
    ...fields,
  }
  return { status: 200, body: JSON.stringify(body) }
}
const file: ScriptedAnswer = { status: 200, body: FILE }
const unavailable: ScriptedAnswer[] = [503, 503, 503].map((status) => ({ status, body: '' }))
const none: ScriptedAnswer = { status: 200, body: JSON.stringify({ update_available: false, message: 'newest' }) }

function updaterOver(answers: readonly ScriptedAnswer[], options: Partial<AppUpdaterOptions> = {}) {
  const parts = createMemoryHost(answers)
  const updater = createAppUpdater(parts.host, { ...OPTIONS, ...options })
  const kinds: string[] = []
  updater.subscribe(() => kinds.push(updater.state().kind))
  return { ...parts, updater, kinds }
}

test('an installed version that is none is refused at once', () => {
  expect(() => updaterOver([], { installedVersion: 'one' })).toThrow(/expected MAJOR.MINOR.PATCH\+BUILD/)
})

test('from the question to the installer', async () => {
  const { updater, kinds, handedOver, part } = updaterOver([offer(), file])
  expect(await updater.check()).toMatchObject({ kind: 'available', isPostponed: false, update: { version: '1.1.0+2' } })
  expect(await updater.download()).toMatchObject({ kind: 'ready' })
  expect(part.revealed()).toBeUndefined()
  expect(await updater.install()).toMatchObject({ kind: 'handed-over' })
  expect(handedOver).toEqual([
    {
      path: '/memory/update-1.1.0+2.apk',
      fileName: 'update-1.1.0+2.apk',
      format: 'apk',
      version: '1.1.0+2',
      sha256: SHA256,
      sizeBytes: FILE.length,
    },
  ])
  expect(new Set(kinds)).toEqual(
    new Set(['checking', 'available', 'downloading', 'ready', 'handing-over', 'handed-over']),
  )
})

test('nothing to do', async () => {
  const { updater } = updaterOver([none])
  expect(await updater.check()).toEqual({ kind: 'none', reason: 'up-to-date', message: 'newest' })
  expect((await updater.download()).kind).toBe('none')
  expect((await updater.install()).kind).toBe('none')
})

describe('a check that fails says why, and never rejects', () => {
  test.each([
    [[{ status: 404, body: '{"message":"There is no such platform."}' }], 'check-failed', /404: There is no such/, 1],
    [[{ status: 200, body: '<html>' }], 'answer-invalid', /not JSON/, 1],
    [[{ status: 200, body: '{}' }], 'answer-invalid', /update_available/, 1],
    [[{ status: 302, headers: { location: 'https://elsewhere.example.com' }, body: '' }], 'check-failed', /302/, 1],
    [[{ status: 200, body: 'x'.repeat(300_000) }], 'answer-invalid', /longer than/, 1],
    [[], 'check-failed', /nothing answers/, 3],
    [[500, 502, 503].map((status) => ({ status, body: '' })), 'check-failed', /503/, 3],
  ] as const)('%#', async (answers, code, message, requests) => {
    const { updater, http } = updaterOver(answers)
    expect(await updater.check()).toMatchObject({ kind: 'check-failed', code, message: expect.stringMatching(message) })
    expect(http.requests).toHaveLength(requests)
  })

  test('an address in the clear is not asked', async () => {
    const { updater, http } = updaterOver([none], { serverUrl: 'http://updates.example.com' })
    expect(await updater.check()).toMatchObject({ kind: 'check-failed', code: 'insecure-url', isRetryable: false })
    expect(http.requests).toEqual([])
  })

  test('silence ends', async () => {
    const { host } = createMemoryHost([])
    const silent = { open: () => ({ response: new Promise<never>(() => {}), abort: () => {} }) }
    const limits = { checkTimeoutMs: 100 }
    const updater = createAppUpdater({ ...host, http: silent }, { ...OPTIONS, limits })
    expect(await updater.check()).toMatchObject({
      code: 'check-failed',
      message: 'the server was not reached: the answer took more than 100 ms',
    })
  })

  test('Retry-After is kept to', async () => {
    const { updater, clock } = updaterOver([{ status: 503, headers: { 'retry-after': '7' }, body: '' }, none])
    expect((await updater.check()).kind).toBe('none')
    expect(clock.waits).toContain(7_000)
  })
})

describe('later', () => {
  test('lasts until another version', async () => {
    const { updater } = updaterOver([offer(), offer(), offer({ latest_version: '1.2.0+3' })])
    await updater.check()
    updater.later()
    expect(updater.state()).toMatchObject({ kind: 'available', isPostponed: true })
    expect(await updater.check()).toMatchObject({ isPostponed: true })
    expect(await updater.check()).toMatchObject({ isPostponed: false, update: { version: '1.2.0+3' } })
  })

  test('is no answer to what is mandatory, by the flag or by the minimum', async () => {
    for (const fields of [{ is_mandatory: true }, { min_supported_version: '1.1.0' }]) {
      const { updater } = updaterOver([offer(fields)])
      await updater.check()
      updater.later()
      expect(updater.state()).toMatchObject({ kind: 'available', isPostponed: false })
    }
  })

  test('ends when it becomes mandatory', async () => {
    const { updater } = updaterOver([offer(), offer({ is_mandatory: true })])
    await updater.check()
    updater.later()
    expect(await updater.check()).toMatchObject({ isPostponed: false })
  })

  test('keeps what is ready', async () => {
    const { updater } = updaterOver([offer(), file])
    await updater.check()
    await updater.download()
    updater.later()
    expect(updater.state()).toMatchObject({ kind: 'ready', isPostponed: true })
    expect((await updater.install()).kind).toBe('handed-over')
  })
})

describe('what is wrong is not handed over', () => {
  test('another file', async () => {
    const { updater, handedOver } = updaterOver([offer(), { status: 200, body: 'the FILE' }])
    await updater.check()
    expect(await updater.download()).toMatchObject({ kind: 'failed', code: 'hash-mismatch' })
    expect((await updater.install()).kind).toBe('failed')
    expect(handedOver).toEqual([])
  })

  test('a file that somebody changed while it waited', async () => {
    const { updater, part, handedOver } = updaterOver([offer(), file, file])
    await updater.check()
    await updater.download()
    await part.append(0, new TextEncoder().encode('the FILE'))
    expect(await updater.install()).toMatchObject({ kind: 'failed', code: 'hash-mismatch' })
    expect(handedOver).toEqual([])
    expect((await updater.download()).kind).toBe('ready')
    expect((await updater.install()).kind).toBe('handed-over')
  })
})

test('an installer that refuses is asked again, without another download', async () => {
  const parts = createMemoryHost([offer(), file])
  let refusals = 1
  const installer = {
    async handOver() {
      if (refusals-- > 0) throw new Error('not now')
    },
  }
  const updater = createAppUpdater({ ...parts.host, installer }, OPTIONS)
  await updater.check()
  await updater.download()
  expect(await updater.install()).toMatchObject({
    kind: 'failed',
    code: 'install-failed',
    message: 'the installer did not take it: not now',
  })
  expect((await updater.download()).kind).toBe('ready')
  expect((await updater.install()).kind).toBe('handed-over')
  expect(parts.http.requests).toHaveLength(2)
})

test('what was handed over can be opened again', async () => {
  const { updater, handedOver } = updaterOver([offer(), file])
  await updater.check()
  await updater.download()
  await updater.install()
  expect((await updater.install()).kind).toBe('handed-over')
  expect(handedOver).toHaveLength(2)
})

test('what runs now is thrown away', async () => {
  const { updater, part } = updaterOver([offer(), file])
  await updater.check()
  await updater.download()
  await updater.install()
  const next = createMemoryHost([none])
  const updated = createAppUpdater({ ...next.host, part }, { ...OPTIONS, installedVersion: '1.1.0+2' })
  await updated.check()
  expect(part.revealed()).toBeUndefined()
  expect(await part.readNote()).toBeUndefined()
})

test('a part of what does not run yet stays', async () => {
  const { updater, part } = updaterOver([offer(), { status: 200, body: 'the ' }, ...unavailable])
  await updater.check()
  expect(await updater.download()).toMatchObject({ kind: 'failed', isRetryable: true })
  const next = createAppUpdater({ ...createMemoryHost([none]).host, part }, OPTIONS)
  await next.check()
  expect(part.bytes()).toHaveLength(4)
})

test('one thing at a time', async () => {
  const { updater, http } = updaterOver([offer(), file])
  const both = await Promise.all([updater.check(), updater.check()])
  expect(both[0]).toBe(both[1])
  expect(http.requests).toHaveLength(1)
  const [ready, meanwhile] = await Promise.all([updater.download(), updater.download(), updater.check()])
  expect([ready.kind, meanwhile.kind]).toEqual(['ready', 'ready'])
})

test('a download that is stopped is available again', async () => {
  const { updater, http } = updaterOver([offer(), { status: 200, body: FILE }])
  await updater.check()
  const forget = updater.subscribe(() => {
    if (updater.state().kind === 'downloading') updater.stop()
  })
  expect((await updater.download()).kind).toBe('available')
  forget()
  expect(http.requests.length).toBeLessThanOrEqual(2)
})

test('a check that is stopped leaves what was', async () => {
  const { updater } = updaterOver([])
  const asked = updater.check()
  updater.stop()
  expect((await asked).kind).toBe('idle')
})
