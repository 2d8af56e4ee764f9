import { CapacitorHttp } from '@capacitor/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sendJson, startBundleServer, type BundleServer } from '../testing/bundle-server.ts'
import { nativeHttp } from './native-http.ts'
import { newUuid } from './web-crypto.ts'
import { webHost, type AppPlugin } from './web-host.ts'

let server: BundleServer
beforeEach(async () => {
  server = await startBundleServer()
})
afterEach(() => server.stop())

const request = (path: string, maxBytes = 1000) => ({
  method: 'GET' as const,
  url: server.url + path,
  headers: { accept: 'application/json' },
  maxBytes,
  signal: new AbortController().signal,
})

/** As @capacitor/app has it. */
function createAppPlugin() {
  const listeners = new Set<(state: { isActive: boolean }) => void>()
  const plugin: AppPlugin = {
    async addListener(_name, listener) {
      listeners.add(listener)
      return {
        async remove() {
          listeners.delete(listener)
        },
      }
    },
  }
  const become = (isActive: boolean) => {
    for (const listener of listeners) listener({ isActive })
  }
  return { plugin, become, listeners }
}

describe('HTTP by the shell, with the real CapacitorHttp in its web build', () => {
  const http = nativeHttp(CapacitorHttp)

  test('answers with status, headers and text, JSON or not', async () => {
    server.answerWith('/json', (_request, response) => sendJson(response, 404, { code: 'OTA_BUNDLE_NOT_AVAILABLE' }))
    const answer = await http.send(request('/json'))
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.text)).toEqual({ code: 'OTA_BUNDLE_NOT_AVAILABLE' })
    expect(answer.headers['content-type']).toBe('application/json')
    server.answerWith('/html', (_request, response) => response.writeHead(200).end('<html>'))
    expect((await http.send(request('/html'))).text).toBe('<html>')
  })

  test('sends a body', async () => {
    server.answerWith('/posted', ({ body }, response) => response.writeHead(200).end(body))
    const body = JSON.stringify({ events: [] })
    const headers = { 'content-type': 'application/json' }
    expect((await http.send({ ...request('/posted'), method: 'POST', headers, body })).text).toBe(body)
  })

  test('takes no more than it was asked for', async () => {
    server.answerWith('/long', (_request, response) => response.writeHead(200).end('x'.repeat(2000)))
    await expect(http.send(request('/long'))).rejects.toThrow(/longer than 1000/)
  })
})

describe('the host of an app', () => {
  const parts = () => {
    const kept = new Map<string, string>()
    const app = createAppPlugin()
    const preferences = {
      get: async ({ key }: { key: string }) => ({ value: kept.get(key) ?? null }),
      set: async ({ key, value }: { key: string; value: string }) => void kept.set(key, value),
    }
    return { app, host: webHost({ plugin: undefined, app: app.plugin, preferences }) }
  }

  test('hears of the foreground from the app plugin, until it wants no more', async () => {
    const { app, host } = parts()
    let returns = 0
    const stop = host.appState.onForeground(() => {
      returns += 1
    })
    app.become(false)
    app.become(true)
    expect(returns).toBe(1)
    stop()
    await expect.poll(() => app.listeners.size).toBe(0)
  })

  test('goes on without it', async () => {
    const absent = { addListener: () => Promise.reject(new Error('not implemented')) }
    const stop = webHost({ plugin: undefined, app: absent, http: nativeHttp(CapacitorHttp) }).appState.onForeground(
      () => {},
    )
    stop()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  })

  test('keeps what it knows in the preferences', async () => {
    const { host } = parts()
    expect(await host.storage.get('key')).toBeNull()
    await host.storage.set('key', 'value')
    expect(await host.storage.get('key')).toBe('value')
  })

  test('makes ids that are UUIDs, each another', () => {
    const ids = Array.from({ length: 50 }, newUuid)
    expect(new Set(ids).size).toBe(50)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})
