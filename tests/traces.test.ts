import type { ServerResponse } from 'node:http'
import {
  bundleOf,
  eventually,
  publishForm,
  SERVER_DATABASES,
  startServerProcess,
  temporaryDirectory,
  type ServerProcess,
} from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTraceCollector, type CollectedSpan } from './trace-collector.ts'

const COLLECTOR_SECRET = 'a secret of the collector'
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT_ID = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`

async function startTraced(collector: { url: string }, env: Record<string, string> = {}) {
  return startServerProcess({
    directory: await temporaryDirectory(),
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      HOTPATCH_LOG_LEVEL: 'info',
      HOTPATCH_LOG_FORMAT: 'json',
      ...env,
    },
  })
}

function callerOf(server: ServerProcess, token = server.ownerToken) {
  return async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const isForm = body instanceof FormData
    const isJson = body !== undefined && !isForm
    return fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(isJson && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    })
  }
}

const linesOf = (server: ServerProcess) =>
  server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe.each(SERVER_DATABASES.filter(([, , isHere]) => isHere))('traces of a server on %s', (name, prepare) => {
  test('show what a request did, in which order, and no secret', { timeout: 120_000 }, async () => {
    const database = await prepare()
    onTestFinished(() => database.drop())
    const receiver = await startTraceCollector()
    const collector = await startTraceCollector()
    const server = await startTraced(collector, {
      ...database.env,
      OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${encodeURIComponent(COLLECTOR_SECRET)}`,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
      HOTPATCH_TRACE_DEVICES: '1',
      HOTPATCH_AUTOMATION_SECONDS: '0.1',
      HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8',
    })
    const call = callerOf(server)
    const app = (await (
      await call('POST', '/manage/v1/apps', { slug: 'private-project' }, { traceparent: TRACEPARENT })
    ).json()) as { id: string; appKey: string }
    const webhookUrl = `${receiver.url}/hook?key=secret-of-the-receiver`
    const webhook = (await (
      await call('POST', '/manage/v1/webhooks', { url: webhookUrl, app: 'private-project' })
    ).json()) as { secret: string }
    const form = publishForm({ platform: 'android', version: '1.2.3' }, await bundleOf('one'))
    expect((await call('POST', '/manage/v1/apps/private-project/releases', form)).status).toBe(201)
    const stranger = callerOf(server, 'no-token-of-this-server')
    const forged = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    expect((await stranger('GET', '/manage/v1/apps?note=in-the-query', undefined, forged)).status).toBe(401)
    const check = { deviceId: 'device-of-a-person', platform: 'android', version: '1.0.0' }
    await call('POST', '/update/check', check, { 'x-app-key': app.appKey, ...forged })
    await eventually(() => expect(receiver.received).not.toEqual([]))
    await eventually(() => expect(linesOf(server).map(({ traceId }) => traceId)).toContain(TRACE_ID))
    expect(await server.stop()).toBe(0)

    const spans = collector.spans()
    const created = spanOf(spans, 'POST /manage/v1/apps')
    expect(created).toMatchObject({ traceId: TRACE_ID, parentSpanId: PARENT_ID, isError: false })
    expect(created.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/manage/v1/apps',
      'http.response.status_code': 201,
      'hotpatch.actor.kind': 'token',
    })
    const line = linesOf(server).find(({ traceId }) => traceId === TRACE_ID)
    expect(line).toMatchObject({ path: '/manage/v1/apps', reqId: created.attributes['hotpatch.request.id'] })

    const ofCreated = childrenOf(spans, created)
    expect(ofCreated.map(({ name: each }) => each)).toEqual(expect.arrayContaining(['authorize', 'transaction']))
    const transaction = spanOf(ofCreated, 'transaction')
    expect(transaction.attributes).toMatchObject({ 'hotpatch.transaction.outcome': 'committed' })
    const insert = spanOf(childrenOf(spans, transaction), 'INSERT app')
    expect(insert.attributes).toEqual({
      'db.system.name': name.toLowerCase().includes('postgres') ? 'postgresql' : 'sqlite',
      'db.operation.name': 'INSERT',
      'db.collection.name': 'app',
    })
    const published = spanOf(spans, 'POST /manage/v1/apps/:app/releases')
    expect(published.traceId).not.toBe(TRACE_ID)
    const put = spanOf(spans, 'storage put')
    expect(put).toMatchObject({ traceId: published.traceId, attributes: { 'hotpatch.storage.kind': 'disk' } })

    // A stranger's header is not taken, and neither is a device's.
    const refused = spanOf(spans, 'GET /manage/v1/apps')
    expect(refused.attributes).toMatchObject({ 'http.response.status_code': 401, 'hotpatch.actor.kind': 'none' })
    const checked = spanOf(spans, 'POST /update/check')
    expect(checked.attributes).toMatchObject({ 'hotpatch.actor.kind': 'device' })
    expect(spans.filter(({ traceId }) => traceId === 'a'.repeat(32))).toEqual([])

    const names = spans.map(({ name: each }) => each)
    const rounds = ['automation guards', 'automation plans', 'automation edges', 'sweep spool', 'sweep accounts']
    expect(names).toEqual(expect.arrayContaining(rounds))
    const deliveries = spans.filter((span) => span.name === 'webhook delivery')
    for (const { attributes } of deliveries) expect(attributes['hotpatch.webhook.outcome']).toBe('delivered')
    const carried = deliveries.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`)
    for (const { headers } of receiver.received) expect(carried).toContain(headers.traceparent)
    expect(new Set(deliveries.map(({ traceId }) => traceId)).size).toBe(deliveries.length)

    expect(collector.resource()).toMatchObject({
      'service.name': 'hotpatch',
      'deployment.environment.name': 'staging',
    })
    expect(collector.received[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-api-key': COLLECTOR_SECRET } })
    const sent = collector.received.map(({ body }) => body).join('\n')
    const secrets = [server.ownerToken, webhook.secret, app.appKey, COLLECTOR_SECRET, 'secret-of-the-receiver']
    const personal = ['device-of-a-person', 'private-project', 'in-the-query', 'no-token-of-this-server', app.id]
    for (const each of [...secrets, ...personal]) expect(sent).not.toContain(each)
    expect(server.output()).not.toContain(COLLECTOR_SECRET)
  })
})

const UNABLE: [string, (response: ServerResponse) => void][] = [
  ['hangs', () => undefined],
  ['answers 500', (response) => void response.writeHead(500).end('no')],
  ['ends every connection', (response) => void response.destroy()],
]

test.each(UNABLE)('a collector that %s keeps nobody from work, and the server from no stop', async (_does, answer) => {
  const collector = await startTraceCollector(answer)
  const server = await startTraced(collector, { HOTPATCH_AUTOMATION_SECONDS: '0.1' })
  const call = callerOf(server)
  expect((await call('POST', '/manage/v1/apps', { slug: 'demo' })).status).toBe(201)
  await eventually(() => expect(collector.received).not.toEqual([]))
  expect((await call('GET', '/manage/v1/apps')).status).toBe(200)
  expect(await server.stop()).toBe(0)
})

test('OTEL_SDK_DISABLED turns them off, whatever else is set', async () => {
  const collector = await startTraceCollector()
  const server = await startTraced(collector, { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })
  expect((await callerOf(server)('GET', '/manage/v1/apps', undefined, { traceparent: TRACEPARENT })).status).toBe(200)
  expect(await server.stop()).toBe(0)
  expect(collector.received).toEqual([])
  expect(server.output()).not.toContain('traceId')
})

function spanOf(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const found = spans.find((span) => span.name === name)
  if (!found) throw new Error(`No span ${name} among ${[...new Set(spans.map((span) => span.name))].join(', ')}.`)
  return found
}

function childrenOf(spans: readonly CollectedSpan[], parent: CollectedSpan): CollectedSpan[] {
  return spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId)
}
