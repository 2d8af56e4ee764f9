import { createMemoryFiles } from '@hotpatch/client/memory'
import type { CryptoPort, HttpPort } from '@hotpatch/client'
import { OTAUpdateManager, type OTAUpdateOptions } from '../../index.ts'
import { defineOTAElements, mountOTAUpdates } from '../../ui/index.ts'

declare global {
  interface Window {
    /** What a test looks at, and reaches into. */
    app: ReturnType<typeof startApp>
  }
}

/** An app in this page, with the real manager over fetch and memory; the server is that of the page. */
function startApp() {
  const files = createMemoryFiles()
  const app = {
    restarts: 0,
    canRestart: true,
    files,
    manager: undefined as unknown as OTAUpdateManager,
    mount: mountOTAUpdates,
    define: defineOTAElements,
    /** A new process over the same disk. */
    async boot(options: Partial<OTAUpdateOptions> = {}) {
      const restart = () => {
        if (!app.canRestart) throw new Error('this host restarts nothing')
        app.restarts += 1
      }
      const host = { nativeVersion: '1.0.0', platform: 'web', restart }
      app.manager = new OTAUpdateManager(
        { files, http, crypto: webCrypto, clock, host },
        {
          serverUrl: location.origin,
          projectId: '0192d5a0-0000-7000-8000-000000000001',
          deviceId: 'device-1',
          allowInsecure: 'loopback',
          limits: { attempts: 1 },
          ...options,
        },
      )
      return app.manager.start()
    },
  }
  return app
}

const http: HttpPort = {
  open({ method, url, headers, body }) {
    const controller = new AbortController()
    // A page may not say this; its browser does by itself.
    const { 'accept-encoding': _, ...sent } = headers
    const init = { method, headers: sent, signal: controller.signal, ...(body && { body: body as BodyInit }) }
    const response = fetch(url, init).then((answer) => ({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: chunksOf(answer),
    }))
    return { response, abort: () => controller.abort() }
  },
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  for (;;) {
    const next = await reader?.read()
    if (!next || next.done) return
    yield next.value
  }
}

const webCrypto: CryptoPort = {
  sha256() {
    const chunks: Uint8Array[] = []
    return {
      update: (bytes) => void chunks.push(bytes),
      digest: async () =>
        new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(chunks as BlobPart[]).arrayBuffer())),
    }
  },
  // No keys are configured here.
  verifyEd25519: () => false,
  randomUuid: () => crypto.randomUUID(),
}

const clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  random: () => 0.5,
  after(ms: number, run: () => void) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

window.app = startApp()
