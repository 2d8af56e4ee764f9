import { rm } from 'node:fs/promises'
import type { App as HotPatchApp, NewRelease, PublishedArchive } from '@hotpatch/api'
import { createApp, type AppOptions } from '@hotpatch/server'
import { readConfig } from '@hotpatch/server/config'
import { readEnvironment } from '@hotpatch/server/testing'
import { fixedClock } from './fixed-clock.ts'
import { injectRequest } from './inject-request.ts'
import { openMigratedSqlite } from './migrated-sqlite.ts'
import { makeTemporaryDirectory } from './make-temporary-directory.ts'
import { publishForm } from './publish-form.ts'

/** The answer to a request: its body is read as JSON when it is JSON. */
export interface TestResponse {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  // The tests look into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

export interface RequestOptions {
  body?: unknown
  form?: FormData
  headers?: Record<string, string>
  /** Null: no token. */
  token?: string | null
  /** The address that it comes from. */
  from?: string
}

export type TestServer = Awaited<ReturnType<typeof startTestServer>>

/**
 * The whole server in this process, on a folder of its own, with a clock that stands still.
 * @param options.database in memory by default
 * @param options.onFile on SQLite as a server has it, in `directory`: threads of its own read and write
 * @param options.env as the process would have it
 */
export async function startTestServer(
  options: Pick<AppOptions, 'database' | 'clock' | 'timers' | 'logTo'> & {
    env?: Record<string, string>
    onFile?: boolean
  } = {},
) {
  const directory = await makeTemporaryDirectory()
  // Rounds are the tests' to ask for, and patches: whoever looks at what changed would find them, sooner or later.
  const own = { HOTPATCH_DATA: directory, HOTPATCH_AUTOMATION_SECONDS: '86400', HOTPATCH_PATCH_BASES: '0' }
  // Servers on one database must have the same.
  const shared = {
    HOTPATCH_DEVICE_ID_SECRET: 'the secret of all servers in tests',
    HOTPATCH_SECRETS_KEY: 'the secrets key of all servers in tests',
  }
  const env = { ...own, ...shared, HOTPATCH_LOG_LEVEL: 'silent', PORT: '0', ...options.env }
  const config = readConfig(readEnvironment(env))
  const clock = options.clock ?? fixedClock()
  const isInMemory = !options.database && !options.env?.DATABASE_URL && !options.onFile
  const database = isInMemory ? await openMigratedSqlite() : options.database
  const app = await createApp({
    config: isInMemory ? { ...config, database: { kind: 'sqlite', path: ':memory:' } } : config,
    clock,
    ...(options.timers && { timers: options.timers }),
    ...(database && { database }),
    ...(options.logTo && { logTo: options.logTo }),
  })
  const ownerToken = app.ownerToken ?? ''

  async function request(method: string, url: string, options: RequestOptions = {}): Promise<TestResponse> {
    const { body, form, token = ownerToken } = options
    const encoded = form && new Response(form)
    const headers: Record<string, string> = {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(encoded && { 'content-type': encoded.headers.get('content-type') ?? '' }),
      ...options.headers,
    }
    const payload = encoded ? Buffer.from(await encoded.arrayBuffer()) : body
    const response = await injectRequest(app, {
      method,
      url,
      headers,
      ...(options.from !== undefined && { remoteAddress: options.from }),
      ...(payload !== undefined && { payload: payload as object }),
    })
    const isJson = response.payload !== '' && /\bjson\b/.test(String(response.headers['content-type']))
    return {
      status: response.statusCode,
      headers: response.headers,
      body: isJson ? response.json() : response.payload,
    }
  }

  let createdApps = 0

  /**
   * An app with android and ios, the channels that every app starts with, and device ids as they are given; the next
   * one has another slug.
   */
  async function createTestApp(changes: Record<string, unknown> = {}): Promise<HotPatchApp> {
    const slug = createdApps++ === 0 ? 'demo' : `demo-${createdApps}`
    const { body } = await request('POST', '/manage/v1/apps', { body: { slug, deviceIds: 'as-given', ...changes } })
    return body as HotPatchApp
  }

  function publish(
    app: { slug: string },
    release: Partial<NewRelease> & { bundle: Uint8Array; signatures?: Record<string, string>; token?: string },
  ): Promise<TestResponse> {
    const { bundle, signatures = {}, token, ...metadata } = release
    const named = { platform: 'android', version: '1.0.0', ...metadata }
    const form = publishForm(named, bundle, signatures)
    return request('POST', `/manage/v1/apps/${app.slug}/releases`, { form, ...(token !== undefined && { token }) })
  }

  /** As `publish`, for tests in which publishing is not the point. */
  async function published(...parts: Parameters<typeof publish>): Promise<PublishedArchive> {
    const response = await publish(...parts)
    if (response.status !== 201) throw new Error(`not published: ${JSON.stringify(response.body)}`)
    return response.body as PublishedArchive
  }

  /** A device's check in the React Native contract. */
  function check(app: HotPatchApp, fields: Record<string, unknown> = {}, from = '127.0.0.1'): Promise<TestResponse> {
    const body = { appId: app.id, deviceId: 'device-1', version: '0.9.0', platform: 'android', ...fields }
    return request('POST', '/update/check', { body, token: null, headers: { 'x-app-key': app.appKey }, from })
  }

  function report(app: HotPatchApp, fields: Record<string, unknown>, from = '127.0.0.1'): Promise<TestResponse> {
    const body = { appId: app.id, deviceId: 'device-1', platform: 'android', ...fields }
    return request('POST', '/installations', { body, token: null, headers: { 'x-app-key': app.appKey }, from })
  }

  async function createToken(body: Record<string, unknown>): Promise<string> {
    const response = await request('POST', '/manage/v1/tokens', { body: { name: 'test', ...body } })
    return (response.body as { token: string }).token
  }

  async function close() {
    await app.close()
    await rm(directory, { recursive: true, force: true })
  }

  return {
    app,
    clock,
    directory,
    ownerToken,
    /** Of the link by which the first owner makes an account. */
    firstOwnerSecret: app.firstOwnerSecret ?? '',
    request,
    createTestApp,
    publish,
    published,
    check,
    report,
    createToken,
    /** A round of what the server does by itself: guards look, plans go on. */
    tick: () => app.tick(),
    /** Opens a port, for tests that need a socket. */
    listen: () => app.http.listen({ host: '127.0.0.1', port: 0 }),
    close,
  }
}

/** Such as "409 release-exists". @throws when the answer is not a problem document as RFC 9457 has it */
export function problemOf({ status, headers, body }: TestResponse): string {
  const isProblem = String(headers['content-type']).startsWith('application/problem+json')
  if (!isProblem || body.status !== status || !/^urn:request:.+/.test(body.instance) || !body.title || !body.detail) {
    throw new Error(`not a problem: ${status} ${JSON.stringify(body)}`)
  }
  return `${status} ${String(body.type).replace('/problems/', '')}`
}
