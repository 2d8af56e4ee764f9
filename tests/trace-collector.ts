import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

type Value = string | number | boolean | undefined

export interface CollectedSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  isError: boolean
  attributes: Record<string, Value>
}

/** OTLP's form of JSON, as far as it is looked at. */
interface AnyValue {
  stringValue?: string
  intValue?: string | number
  doubleValue?: number
  boolValue?: boolean
}
type Attributes = { key: string; value: AnyValue }[]
interface Sent {
  resourceSpans: {
    resource: { attributes: Attributes }
    scopeSpans: {
      spans: (Omit<CollectedSpan, 'attributes'> & { attributes: Attributes; status: { code?: number } })[]
    }[]
  }[]
}

/** A collector of traces: a real server on a free port, which takes OTLP over HTTP as JSON, and keeps all of it. */
export async function startTraceCollector(
  answer: (response: ServerResponse) => void = (response) => void response.end('{}'),
) {
  const received: { path: string; headers: IncomingHttpHeaders; body: string }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ path: request.url ?? '', headers: request.headers, body })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const resources = () => received.flatMap(({ body }) => (JSON.parse(body) as Sent).resourceSpans)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    resource: () => readAttributes(resources()[0]?.resource.attributes ?? []),
    spans: (): CollectedSpan[] =>
      resources()
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
        .map(({ name, traceId, spanId, parentSpanId, status, attributes }) => ({
          name,
          traceId,
          spanId,
          parentSpanId,
          isError: status.code === 2,
          attributes: readAttributes(attributes),
        })),
  }
}

function readAttributes(attributes: Attributes): Record<string, Value> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]))
}

function valueOf({ stringValue, intValue, doubleValue, boolValue }: AnyValue): Value {
  return stringValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? boolValue
}
