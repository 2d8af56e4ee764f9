import type { HttpPort } from '@hotpatch/device-ground'

/** Over `fetch`, without cookies, caches and redirects. */
export function fetchHttp(): HttpPort {
  return {
    open({ method, url, headers, body }) {
      const controller = new AbortController()
      const response = fetch(url, {
        method,
        headers: { ...headers },
        signal: controller.signal,
        redirect: 'manual',
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
        ...(body !== undefined && { body }),
      }).then((answer) => ({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: chunksOf(answer),
      }))
      // Whoever has aborted it hears of it elsewhere.
      response.catch(() => undefined)
      return { response, abort: () => controller.abort() }
    },
  }
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  if (!reader) return
  for (;;) {
    const next = await reader.read()
    if (next.done) return
    yield next.value as Uint8Array
  }
}
