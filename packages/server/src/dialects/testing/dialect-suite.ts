import type { App, PublishedRelease } from '@hotpatch/api'
import { publishFiles, startTestServer, type TestResponse, type TestServer, zipOf } from '@hotpatch/testkit'
import { CONTENT_KINDS, type Platform } from '@hotpatch/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { NOTHING_HELD } from '../../updates/held-files.ts'
import type { OfferedBinaryFile } from '../../shipping/content/binary/binary-kind.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Dialect, DialectRoute, Feed } from '../../updates/dialect.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'

/** A device as its client speaks for it. */
export interface Asking {
  app: App
  deviceId: string
  channel: string
  /** A release that it was offered before, where it reports on one. */
  releaseId: string
  /** By channel, where its clients have a key for each. */
  keys: Readonly<Record<string, string>>
}

export interface Ask {
  /** With its query, below the mount. */
  url: string
  headers?: Record<string, string>
  body?: unknown
}

/** What a client protocol has to show. What it cannot do it skips, with the reason. */
export interface DialectUnderTest {
  dialect: Dialect
  /** As its own client would ask, for every route: by method and path, such as `POST /update/check`. */
  asks: Readonly<Record<string, (asking: Asking) => Ask>>
  /** The problem type that a refusal is about. @throws when it is not in the form that the client reads */
  readRefusal(response: TestResponse): string
  /** The version that an answer brings; null for none. */
  readOffer(response: TestResponse): string | null
  /** An ask of a client that tells no device id. */
  askAnonymously: ((asking: Asking) => Ask) | { skip: string }
  /** Its clients tell neither channel nor platform: their key does. This is the platform. */
  keysFor?: Platform
  /** Channels that devices may choose themselves, where it lets them. */
  openChannels?: readonly string[]
  /** Whether `explain` knows the device that asked. */
  explains: true | { skip: string }
  /** What its clients take: archives when absent. */
  offers?: OfferedKind
}

export interface OfferedKind {
  /** Of the app. */
  platforms: readonly Platform[]
  publish(
    server: TestServer,
    app: App,
    placed: { version: string; percentage?: number },
  ): Promise<Pick<PublishedRelease, 'releaseId'>>
  /** As the catalog has it, and the same with something in it that must not leave the server. */
  release: OfferedRelease
  broken: OfferedRelease
  /** The words of the address that asks for it. */
  params: Readonly<Record<string, string>>
}

const SHA_256 = 'a'.repeat(64)

/** What every client protocol must do alike. */
export function describeDialect(subject: DialectUnderTest): void {
  const { dialect, asks, readRefusal, readOffer, askAnonymously, openChannels = [], explains } = subject
  const { offers = ARCHIVES, keysFor } = subject
  const nameOf = ({ method, path }: DialectRoute) => `${method} ${path}`
  const each = dialect.routes.map((route) => [nameOf(route), route] as const)
  const askOf = (route: DialectRoute, asking: Asking): Ask => {
    const ask = asks[nameOf(route)]
    if (!ask) throw new Error(`There is no ask for ${nameOf(route)}.`)
    return ask(asking)
  }

  test('takes kinds of content that there are, in some form, whatever its clients tell', () => {
    const { kinds, forms } = dialect.takes({})
    expect([kinds.length, forms.length]).not.toContain(0)
    const told = fc.record(
      { sdkVersion: fc.string(), decryptionKeyId: fc.string(), osVersion: fc.string() },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(told, (attributes) => {
        expect(CONTENT_KINDS).toEqual(expect.arrayContaining([...dialect.takes(attributes).kinds]))
      }),
    )
  })

  async function start(changes: Record<string, string> = {}) {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', ...changes }
    const server = await startTestServer({ env })
    const checkAccess = dialect.routes.some(isPublic) ? 'open' : 'app-key'
    const app = await server.createTestApp({ checkAccess, platforms: [...offers.platforms] })
    for (const name of openChannels) {
      const body = { deviceChoice: 'open' }
      await server.request('PATCH', `/manage/v1/apps/${app.slug}/channels/${name}`, { body })
    }
    const { releaseId } = await offers.publish(server, app, { version: '1.0.0' })
    const keys = keysFor ? await createKeys(server, app, keysFor) : {}
    return { server, app, asking: { app, deviceId: 'device-1', channel: 'production', releaseId, keys } }
  }

  async function createKeys(server: TestServer, { slug }: App, platform: Platform) {
    const keys: Record<string, string> = {}
    for (const channel of ['production', 'beta']) {
      const body = { channel, platform }
      keys[channel] = (await server.request('POST', `/manage/v1/apps/${slug}/channel-keys`, { body })).body.key
    }
    return keys
  }

  function send(server: TestServer, { method }: Pick<DialectRoute, 'method'>, ask: Ask, prefix = '') {
    const { url, headers = {}, body } = ask
    return server.request(method, prefix + url, { token: null, headers, ...(body !== undefined && { body }) })
  }

  let server: TestServer
  let app: App
  let asking: Asking
  beforeAll(async () => {
    ;({ server, app, asking } = await start())
  })
  afterAll(() => server.close())

  describe(`the dialect ${dialect.name}`, () => {
    test.each(each)('answers its own client, at the root and for one app: %s', async (_name, route) => {
      const ask = askOf(route, asking)
      const atRoot = isPublic(route) ? undefined : await send(server, route, ask)
      const ofApp = await send(server, route, ask, `/apps/${app.slug}`)
      expect(ofApp.status).toBe(200)
      if (atRoot) expect([atRoot.status, atRoot.body]).toEqual([200, ofApp.body])
    })

    test.each(each)('says no in its own words to a key that is of no app: %s', async (_name, route) => {
      const { headers, ...ask } = askOf(route, asking)
      const answer = await send(server, route, { ...ask, headers: { ...headers, 'x-app-key': 'hpk_nobody' } })
      expect([answer.status, readRefusal(answer)]).toEqual([401, 'app-key-invalid'])
    })

    test.each(each)('tells nothing of an app that asks for its key, without it: %s', async (_name, route) => {
      const closed = await server.createTestApp()
      const { headers: _, ...ask } = askOf(route, { ...asking, app: closed, keys: {} })
      const answer = await send(server, route, ask, `/apps/${closed.slug}`)
      expect([answer.status, readRefusal(answer)]).toEqual([401, 'app-key-required'])
      const nobodys = await send(server, route, ask, '/apps/nobody')
      expect(readRefusal(nobodys)).toBe('app-key-required')
    })

    test.each(each)("does not take one app's key for another app: %s", async (_name, route) => {
      const other = await server.createTestApp()
      const { headers, ...ask } = askOf(route, asking)
      const mine = { ...headers, 'x-app-key': app.appKey }
      const answer = await send(server, route, { ...ask, headers: mine }, `/apps/${other.slug}`)
      expect([answer.status, readRefusal(answer)]).toEqual([401, 'app-key-invalid'])
    })

    test.runIf(!keysFor).each(each)('says so when the channel is not there: %s', async (_name, route) => {
      const ask = askOf(route, { ...asking, channel: 'nowhere' })
      const answer = await send(server, route, ask, `/apps/${app.slug}`)
      // What a report is about is found wherever it is, and a list of channels is about none of them.
      const mayIgnoreIt =
        route.kind === 'report' || route.kind === 'about' || (route.kind === 'channels' && !hasBody(route))
      if (answer.status !== 200 || !mayIgnoreIt) expect(readRefusal(answer)).toBe('channel-not-found')
    })

    const limited = each.filter(([, route]) => route.kind !== 'release' || !route.isDownload)
    test.each(limited)('says when to come back to whoever asks too often: %s', async (_name, route) => {
      const limited = await start({ HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '1' })
      onTestFinished(() => limited.server.close())
      const ask = askOf(route, limited.asking)
      const prefix = `/apps/${limited.app.slug}`
      expect((await send(limited.server, route, ask, prefix)).status).toBe(200)
      const refused = await send(limited.server, route, ask, prefix)
      expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60'])
      expect(readRefusal(refused)).toBe('too-many-requests')
    })

    const withBody = each.filter(([, route]) => hasBody(route))
    test.runIf(withBody.length > 0).each(withBody)(
      'refuses a body that is too large or no JSON: %s',
      async (_name, route) => {
        const { headers, url } = askOf(route, asking)
        const json = { ...headers, 'content-type': 'application/json' }
        const refusalOf = async (body: string) =>
          readRefusal(await send(server, route, { url, headers: json, body }, `/apps/${app.slug}`))
        expect(await refusalOf(JSON.stringify({ a: 'x'.repeat(route.maxBodyBytes) }))).toBe('body-too-large')
        expect(await refusalOf('{"a"')).toBe('malformed-json')
        expect(await refusalOf('[]')).toBe('invalid-request')
      },
    )

    test.each(each)(
      'has an answer to whatever is sent: %s',
      async (_name, route) => {
        const { headers, url, body } = askOf(route, asking)
        const junk = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary', maxLength: 300 }))
        const names = [
          ...Object.keys((body as object | undefined) ?? {}),
          ...new URL(url, 'http://x').searchParams.keys(),
        ]
        await fc.assert(
          fc.asyncProperty(fc.constantFrom(...names, 'channel', 'platform'), junk, async (name, value) => {
            const [path = '', query = ''] = url.split('?')
            const search = new URLSearchParams(query)
            if (!hasBody(route)) search.set(name, typeof value === 'string' ? value : JSON.stringify(value))
            const text = search.toString()
            const changed = hasBody(route) ? { ...(body as object), [name]: value } : undefined
            const ask = { url: text === '' ? path : `${path}?${text}`, ...(headers && { headers }), body: changed }
            const answer = await send(server, route, ask, `/apps/${app.slug}`)
            expect(answer.status).toBeLessThan(500)
            if (answer.status >= 400) expect(readRefusal(answer)).not.toBe('')
          }),
          { numRuns: 40 },
        )
      },
      30_000,
    )

    const gets = each.filter(([, { method }]) => method === 'GET')
    test.runIf(gets.length > 0).each(gets)('answers HEAD as GET, without the body: %s', async (_name, route) => {
      const { url, headers = {} } = askOf(route, asking)
      const ask = (method: string) => server.request(method, `/apps/${app.slug}${url}`, { token: null, headers })
      const [get, head] = [await ask('GET'), await ask('HEAD')]
      expect([head.status, head.body]).toEqual([get.status, ''])
      expect(head.headers['content-type']).toBe(get.headers['content-type'])
    })

    test.each(each)('has nothing at other methods: %s', async (_name, route) => {
      const { url, headers = {} } = askOf(route, asking)
      expect((await server.request('PATCH', url, { token: null, headers })).status).toBe(404)
    })

    const offering = each.filter(([, { kind }]) => kind === 'check' || kind === 'feed')
    test.runIf(offering.length > 0).each(offering)('brings what is published: %s', async (_name, route) => {
      expect(readOffer(await send(server, route, askOf(route, asking), `/apps/${app.slug}`))).toBe('1.0.0')
      const ofBeta = askOf(route, { ...asking, channel: 'beta' })
      expect(readOffer(await send(server, route, ofBeta, `/apps/${app.slug}`))).toBeNull()
    })

    test.runIf(offering.length > 0).each(offering)('stops an answer that is not as it must be: %s', (_name, route) => {
      const ask = askOf(route, asking)
      const { release, broken, params } = offers
      expect(() => render(route, release, ask, params)).not.toThrow()
      if (isServedFrom(render(route, release, ask, params))) return
      expect(() => render(route, broken, ask, params)).toThrow(/stopped/)
    })

    const anonymous = typeof askAnonymously === 'function' ? askAnonymously : undefined
    const why = typeof askAnonymously === 'function' ? '' : ` (not here: ${askAnonymously.skip})`
    test.runIf(anonymous)(`gives somebody without an id what is for everyone${why}`, async () => {
      const [[, route] = []] = offering
      if (!anonymous || !route) throw new Error('It offers nothing.')
      const { server, app, asking } = await start()
      onTestFinished(() => server.close())
      const ask = () => send(server, route, anonymous(asking), `/apps/${app.slug}`)
      await offers.publish(server, app, { version: '2.0.0', percentage: 99 })
      expect(readOffer(await ask())).toBe('1.0.0')
      const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
      expect(body.items).toEqual([])
    })

    const notExplained = explains === true ? '' : ` (not here: ${explains.skip})`
    test.runIf(explains === true)(`can be explained for each of its devices${notExplained}`, async () => {
      const [[, route] = []] = each.filter(([, { kind, ...route }]) => kind === 'check' || 'forDevice' in route)
      if (!route) throw new Error('It has no check.')
      await send(server, route, askOf(route, { ...asking, deviceId: 'explained' }), `/apps/${app.slug}`)
      const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/explained/explain`)
      expect(body.decision).toMatchObject({ kind: 'update', version: '1.0.0' })
    })
  })
}

function hasBody({ method }: DialectRoute): boolean {
  return method === 'POST' || method === 'PUT'
}

function isPublic({ access }: DialectRoute): boolean {
  return access === 'public'
}

const ARCHIVE: OfferedRelease = {
  id: '01890000-0000-7000-8000-000000000001',
  version: '1.0.0',
  sequence: 1,
  floor: 0,
  keyId: null,
  isStated: false,
  requirement: {},
  content: { kind: 'archive', sha256: SHA_256, sizeBytes: 1, packageHash: SHA_256 },
  held: NOTHING_HELD,
  variants: [],
  notes: '',
  signature: null,
  statement: null,
  statementSignature: null,
}

const FILE = {
  name: 'app.apk',
  platform: 'android',
  architecture: 'any',
  format: 'apk',
  sha256: SHA_256,
  sizeBytes: 1,
} as const

const NO_DIGEST = 'not a digest'

const ARCHIVES: OfferedKind = {
  platforms: ['android', 'ios'],
  async publish(server, app, placed) {
    const bundle = await zipOf({ 'index.html': placed.version })
    return server.published(app, { bundle, platform: 'any', ...placed })
  },
  release: ARCHIVE,
  broken: { ...ARCHIVE, content: { kind: 'archive', sizeBytes: 1, sha256: NO_DIGEST } },
  params: {},
}

/** The release of `ARCHIVE`, as files. */
export function binaryRelease(file: OfferedBinaryFile): OfferedRelease {
  return { ...ARCHIVE, kind: 'binary', content: { kind: 'binary', files: [file] }, binaries: [file] }
}

/** Of Android, that lie elsewhere. */
export const APKS: OfferedKind = {
  platforms: ['android', 'ios'],
  async publish(server, app, placed) {
    const file = { name: 'app.apk', architecture: 'any', format: 'apk', sha256: SHA_256, sizeBytes: 1 }
    const files = [{ ...file, url: 'https://cdn.example.com/app.apk' }]
    const metadata = { ...placed, platform: 'android', content: { kind: 'binary', files } }
    const { status, body } = await server.request('POST', `/manage/v1/apps/${app.slug}/releases`, {
      body: { metadata },
    })
    expect(status).toBe(201)
    return body as PublishedRelease
  },
  release: binaryRelease(FILE),
  broken: binaryRelease({ ...FILE, sha256: NO_DIGEST }),
  params: {},
}

const LISTED = { path: 'main.js', sha256: SHA_256, sizeBytes: 1, contentType: 'text/javascript', brotli: null }

/** Files by path, which a manifest lists. */
export const FILES: OfferedKind = {
  platforms: ['android', 'ios'],
  publish: (server, app, placed) =>
    publishFiles(server, app, {
      platform: 'any',
      files: { 'main.js': `start(${placed.version})`, 'logo.png': 'logo' },
      launch: 'main.js',
      ...placed,
    }),
  release: filesRelease(SHA_256),
  broken: filesRelease(NO_DIGEST),
  params: { id: ARCHIVE.id },
}

function filesRelease(sha256: string): OfferedRelease {
  const content = { kind: 'files', sha256, sizeBytes: 1, fileCount: 1, totalBytes: 1, launch: 'main.js' } as const
  return { ...ARCHIVE, kind: 'files', content, held: { files: [LISTED] } }
}

/** As the desk has it rendered, with nothing but the release in it. */
function render(
  route: DialectRoute,
  offered: OfferedRelease,
  { url, body = {} }: Ask,
  params: Readonly<Record<string, string>>,
) {
  const request = {
    method: route.method,
    path: route.path,
    params,
    appName: undefined,
    query: Object.fromEntries(new URL(url, 'http://x').searchParams),
    body,
    bodyBytes: 0,
    address: '127.0.0.1',
    publicUrl: 'https://updates.example.com',
    header: () => undefined,
  }
  const rollout = { id: '01890000-0000-7000-8000-00000000000a', target: offered, mandatory: false }
  switch (route.kind) {
    case 'check': {
      const details = { reason: 'percentage', nativeUpdate: null, trace: null }
      const decision = { kind: 'update', release: offered, rollout, mandatory: false, direction: 'forward', ...details }
      return route.render({ decision, device: {}, countedLabel: 'v1' } as unknown as UpdateAnswer, request)
    }
    case 'feed':
      return route.render(
        [rollout] as unknown as Feed,
        request,
        { slug: 'app', appcastSignatures: new Map(), isSameForAll: false },
        () => undefined,
      )
    case 'report':
    case 'registration':
    case 'release':
    case 'channels':
    case 'about':
      throw new Error('It offers nothing.')
  }
}

function isServedFrom(answer: object): boolean {
  return 'servedFrom' in answer
}
