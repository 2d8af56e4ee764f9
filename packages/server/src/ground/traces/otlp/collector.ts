import type { ExportResult } from '@opentelemetry/core'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { SECOND_MS, type Timers } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { TracesConfig } from '../traces-config.ts'
import { postSpans } from './post-spans.ts'

const SERIALIZERS = {
  json: { serializer: JsonTraceSerializer, contentType: 'application/json' },
  protobuf: { serializer: ProtobufTraceSerializer, contentType: 'application/x-protobuf' },
}
/** For a batch, with everything that is tried again. */
const DEADLINE_MS = 10 * SECOND_MS
const RETRY_AFTER_MS = [1 * SECOND_MS, 3 * SECOND_MS]
/** OTLP/HTTP, "Retryable Response Codes". */
const MAY_GO_LATER = new Set([429, 502, 503, 504])

export type CollectorConfig = Pick<TracesConfig, 'url' | 'headers' | 'encoding'>

export interface Collector extends SpanExporter {
  /** From now on nothing is tried again: nobody has the time. */
  hurry(): void
  /** Breaks off what is on its way. */
  close(): void
}

/**
 * Sends batches over OTLP/HTTP. Our own over the library's form of them: it reads no environment, bounds everything that
 * a collector can draw out, and says once that traces do not arrive.
 */
export function createCollector({
  config,
  timers,
  log,
}: {
  config: CollectorConfig
  timers: Timers
  log: Log
}): Collector {
  const { serializer, contentType } = SERIALIZERS[config.encoding]
  const headers = { ...config.headers, 'content-type': contentType, 'user-agent': 'HotPatch' }
  const hurrying = new AbortController()
  const closing = new AbortController()
  const onWay = new Set<Promise<void>>()
  let isFailing = false

  function exportSpans(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const body = serializer.serializeRequest(spans)
    if (!body) return done({ code: SUCCESS })
    const sending = send(body).then((failure) => {
      onWay.delete(sending)
      note(failure)
      // Whoever asked has nothing to say to an error: it is said here.
      done({ code: failure === undefined ? SUCCESS : FAILED })
    })
    onWay.add(sending)
  }

  /** @returns what was wrong */
  async function send(body: Uint8Array): Promise<string | undefined> {
    const late = new AbortController()
    const cancel = timers.after(DEADLINE_MS, () => late.abort())
    const signal = AbortSignal.any([late.signal, closing.signal])
    try {
      for (let attempt = 0; ; attempt += 1) {
        const answer = await postSpans({ url: config.url, headers, body, signal })
        if (answer.kind === 'taken') return undefined
        const waitMs = RETRY_AFTER_MS[attempt]
        const mayGoLater = answer.kind === 'refused' ? MAY_GO_LATER.has(answer.status) : !signal.aborted
        const why = answer.kind === 'refused' ? `it answered ${answer.status}` : answer.why
        if (late.signal.aborted) return `no answer within ${DEADLINE_MS / SECOND_MS} s`
        if (!mayGoLater || waitMs === undefined) return why
        if (!(await wait(waitMs, AbortSignal.any([signal, hurrying.signal])))) return why
      }
    } finally {
      cancel()
    }
  }

  /** @returns false when it was broken off */
  function wait(delayMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    const over = Promise.withResolvers<boolean>()
    const cancel = timers.after(delayMs, () => over.resolve(true))
    signal.addEventListener('abort', () => over.resolve(false), { once: true })
    return over.promise.finally(cancel)
  }

  function note(failure: string | undefined): void {
    if (failure === undefined) {
      if (isFailing) log.info('traces arrive again at their collector')
      isFailing = false
    } else if (!isFailing && !closing.signal.aborted) {
      log.warn(
        { reason: failure },
        'traces do not arrive at the collector of OTEL_EXPORTER_OTLP_ENDPOINT, and are lost until they do; this is said once',
      )
      isFailing = true
    }
  }

  return {
    export: exportSpans,
    forceFlush: async () => void (await Promise.all(onWay)),
    shutdown: () => Promise.resolve(closing.abort()),
    hurry: () => hurrying.abort(),
    close: () => closing.abort(),
  }
}

/** `ExportResultCode` by its numbers, which an import of types has not. */
const SUCCESS = 0
const FAILED = 1
