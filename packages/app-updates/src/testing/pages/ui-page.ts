import { createAppUpdater, type AppUpdaterOptions, type Host, type PartPort } from '../../index.ts'
import { defineUpdateElements, mountUpdateDialog, TEXTS } from '../../ui/index.ts'

declare global {
  interface Window {
    /** What a test looks at, and reaches into. */
    app: ReturnType<typeof startApp>
  }
}

/** An app in this page, with the real updater over fetch and memory; the server is that of the page. */
function startApp(options: Partial<AppUpdaterOptions> = {}) {
  const handedOver: string[] = []
  const host: Host = {
    http: { open: ({ method, url, headers, body }) => exchange(method, url, headers, body) },
    part: memoryPart(),
    sha256: webSha256,
    clock: {
      now: Date.now,
      elapsed: () => performance.now(),
      random: () => 0,
      after(ms, run) {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
    },
    installer: {
      handOver: async ({ fileName }) => {
        if (window.app.refuses) throw new Error('refused')
        handedOver.push(fileName)
      },
    },
  }
  const updater = createAppUpdater(host, {
    serverUrl: location.origin,
    platform: 'android',
    installedVersion: '1.0.0+1',
    allowInsecure: 'loopback',
    ...options,
  })
  return { updater, handedOver, refuses: false, mount: mountUpdateDialog, define: defineUpdateElements, texts: TEXTS }
}

function exchange(method: string, url: string, headers: Readonly<Record<string, string>>, body: string | undefined) {
  const controller = new AbortController()
  // A page may not say this; its browser does by itself.
  const { 'accept-encoding': _, ...sent } = headers
  const init = { method, headers: sent, signal: controller.signal, ...(body !== undefined && { body }) }
  const response = fetch(url, init).then((answer) => ({
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: chunksOf(answer),
  }))
  return { response, abort: () => controller.abort() }
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  for (;;) {
    const next = await reader?.read()
    if (!next || next.done) return
    yield next.value
  }
}

function webSha256() {
  const chunks: Uint8Array[] = []
  return {
    update: (bytes: Uint8Array) => void chunks.push(bytes),
    digest: async () =>
      new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(chunks as BlobPart[]).arrayBuffer())),
  }
}

function memoryPart(): PartPort {
  let note: string | undefined
  let part: Uint8Array | undefined
  let ready: { name: string; bytes: Uint8Array } | undefined
  return {
    readNote: async () => note,
    writeNote: async (text) => void (note = text),
    sizeBytes: async () => part?.length,
    read: async (offset, length) => (part ?? new Uint8Array()).slice(offset, offset + length),
    async append(offset, bytes) {
      const joined = new Uint8Array(offset + bytes.length)
      joined.set((part ?? new Uint8Array()).subarray(0, offset))
      joined.set(bytes, offset)
      part = joined
    },
    sync: async () => {},
    async reveal(name) {
      ready = { name, bytes: part ?? new Uint8Array() }
      part = undefined
      return name
    },
    async conceal(name) {
      if (ready?.name !== name) return
      part = ready.bytes
      ready = undefined
    },
    async discard() {
      note = part = ready = undefined
    },
  }
}

window.app = startApp()
