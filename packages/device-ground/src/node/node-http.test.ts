import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { exchangeSmall } from '../exchange.ts'
import { systemClock } from '../system-clock.ts'
import { createNodeHttp } from './node-http.ts'

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const bounds = { maxBytes: 65_536, timeoutMs: 60_000 }

test('an answer that is longer than allowed is refused, also when all of it is there, and ends nothing else', async () => {
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  process.on('uncaughtExceptionMonitor', note)
  onTestFinished(() => void process.off('uncaughtExceptionMonitor', note))
  const url = await listen((_request, response) => response.writeHead(200).end(' '.repeat(70_000)))
  const ports = { http: createNodeHttp(), clock: systemClock() }
  for (let time = 0; time < 3; time += 1) {
    await expect(exchangeSmall(ports, { method: 'GET', url, headers: {} }, bounds)).rejects.toThrow('longer than 65536')
  }
  // What nobody listens to comes in the next turns of the event loop.
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
  expect(uncaught).toEqual([])
})

test('what is aborted before an answer, or in the middle of one, rejects', async () => {
  const silent = createNodeHttp().open({ method: 'GET', url: await listen(() => undefined), headers: {} })
  silent.abort()
  await expect(silent.response).rejects.toThrow()

  const url = await listen((_request, response) => response.writeHead(200).write('a first piece'))
  const exchange = createNodeHttp().open({ method: 'GET', url, headers: {} })
  const read = async () => {
    for await (const chunk of (await exchange.response).body) if (chunk.length > 0) exchange.abort()
  }
  await expect(read()).rejects.toThrow()
})

test('an address that is none rejects', async () => {
  const exchange = createNodeHttp().open({ method: 'GET', url: 'http://', headers: {} })
  await expect(exchange.response).rejects.toThrow()
  exchange.abort()
})
