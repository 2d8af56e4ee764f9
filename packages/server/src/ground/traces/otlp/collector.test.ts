import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { eventually } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import type { Timers } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { createCollector } from './collector.ts'

const SECRET = 'Bearer hidden'

/** Waits that end when the test says so; those that are over at once, by how long they would have been. */
function timersOf({ short }: { short: readonly number[] }): Timers & { waiting: (() => void)[] } {
  const waiting: (() => void)[] = []
  return {
    waiting,
    after: (delayMs, run) => {
      if (short.includes(delayMs)) setImmediate(run)
      else waiting.push(run)
      return () => void waiting.splice(waiting.indexOf(run) >>> 0, 1)
    },
  }
}

async function collectorThat(
  answer: (response: ServerResponse, count: number) => void,
  timers = timersOf({ short: [] }),
) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response, asked.push(request.url ?? '')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const said: string[] = []
  const note = (...line: unknown[]) => void said.push(JSON.stringify(line))
  const log = { info: note, warn: note, error: note } as unknown as Log
  const config = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    headers: { authorization: SECRET },
    encoding: 'protobuf' as const,
  }
  const collector = createCollector({ config, timers, log })
  onTestFinished(() => collector.close())
  const send = () => new Promise<number>((done) => collector.export(someSpans(), ({ code }) => done(code)))
  return { collector, send, said, asked, timers }
}

function someSpans() {
  const exporter = new InMemorySpanExporter()
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    .getTracer('test')
    .startSpan('one')
    .end()
  return exporter.getFinishedSpans()
}

const answering = (status: number) => (response: ServerResponse) => void response.writeHead(status).end()

test('that nothing arrives is said once, and that it does again, too', async () => {
  let status = 403
  const { send, said } = await collectorThat((response) => answering(status)(response))
  for (let again = 0; again < 3; again += 1) expect(await send()).toBe(1)
  expect(said).toEqual([expect.stringContaining('it answered 403')])
  status = 200
  expect([await send(), await send()]).toEqual([0, 0])
  expect(said).toEqual([expect.any(String), expect.stringContaining('arrive again')])
  expect(said.join()).not.toContain('hidden')
})

test('what is busy is asked again, twice at most', async () => {
  const { send, asked, said } = await collectorThat(answering(503), timersOf({ short: [1_000, 3_000] }))
  expect(await send()).toBe(1)
  expect(asked).toHaveLength(3)
  expect(said).toHaveLength(1)
})

test('one that was away for a moment loses nothing', async () => {
  const answer = (response: ServerResponse, count: number) => (count === 1 ? response.destroy() : response.end())
  const { send, asked, said } = await collectorThat(answer, timersOf({ short: [1_000] }))
  expect(await send()).toBe(0)
  expect([asked.length, said]).toEqual([2, []])
})

test('a redirect is not followed', async () => {
  const { send, asked } = await collectorThat((response) => void response.writeHead(307, { location: '/other' }).end())
  expect(await send()).toBe(1)
  expect(asked).toEqual(['/v1/traces'])
})

test('one that never answers is left when its time is over', async () => {
  const { send, said, timers, asked } = await collectorThat(() => undefined)
  const sent = send()
  await eventually(() => expect(asked).toHaveLength(1))
  for (const run of timers.waiting) run()
  expect(await sent).toBe(1)
  expect(said).toEqual([expect.stringContaining('no answer within 10 s')])
})

test('an answer without an end is cut off', async () => {
  const isOver = Promise.withResolvers<void>()
  const { send } = await collectorThat((response) => {
    response.writeHead(200)
    response.on('close', isOver.resolve)
    const write = () => void (response.write('x'.repeat(64 * 1024)) && setImmediate(write))
    response.on('drain', write)
    write()
  })
  expect(await send()).toBe(0)
  await isOver.promise
})

test('an answer that drips is cut off when the time is over, and counts', async () => {
  const isOver = Promise.withResolvers<void>()
  const isHeard = Promise.withResolvers<void>()
  const { send, timers } = await collectorThat((response) => {
    response.on('close', isOver.resolve)
    response.writeHead(200).write('{')
  })
  const hear = () => setImmediate(isHeard.resolve)
  subscribe('http.client.response.finish', hear)
  onTestFinished(() => void unsubscribe('http.client.response.finish', hear))
  const sent = send()
  await isHeard.promise
  expect(timers.waiting).toHaveLength(1)
  timers.waiting[0]?.()
  await isOver.promise
  expect(await sent).toBe(0)
})

test('another protocol that nobody asked for is no answer', async () => {
  const { send, said } = await collectorThat(
    ({ socket }) => {
      socket?.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n')
    },
    timersOf({ short: [1_000, 3_000] }),
  )
  expect(await send()).toBe(1)
  expect(said).toEqual([expect.stringContaining('NO_ANSWER')])
})

test('at a stop nothing is tried again, and nothing is said of what was broken off', async () => {
  const { send, collector, asked, said } = await collectorThat(() => undefined)
  const sent = send()
  await eventually(() => expect(asked).toHaveLength(1))
  collector.hurry()
  collector.close()
  expect(await sent).toBe(1)
  expect([asked.length, said]).toEqual([1, []])
})
