import type { SamplingConfig, TracesConfig } from '../ground/traces/traces-config.ts'
import type { Environment, EnvironmentName } from './env.ts'

const ADDRESS = /^https?:\/\/[^?#@\s]+$/
/** RFC 9110 §5.6.2; those that say what is sent are the server's own. */
const HEADER_NAME = /^(?!(?:content-type|content-length|host|connection|transfer-encoding)$)[\w!#$%&'*+.^`|~-]+$/i
const HEADER_VALUE = /^[\t\x20-\x7e]*$/
const ATTRIBUTE_NAME = /^[^\s,;=]{1,255}$/
const ENCODINGS = { 'http/json': 'json', 'http/protobuf': 'protobuf' } as const

/** Each name of the standard: whether who calls is followed, and whether the part that is sent is the argument's. */
const SAMPLERS: Readonly<Record<string, { followsCaller: boolean; part: number | 'argument' }>> = {
  always_on: { followsCaller: false, part: 1 },
  always_off: { followsCaller: false, part: 0 },
  traceidratio: { followsCaller: false, part: 'argument' },
  parentbased_always_on: { followsCaller: true, part: 1 },
  parentbased_always_off: { followsCaller: true, part: 0 },
  parentbased_traceidratio: { followsCaller: true, part: 'argument' },
}

type Refuse = (name: EnvironmentName, expected: string) => void

/** Null when nobody collects traces: then whatever else is said of them, perhaps for other programs, does not matter. */
export function readTraces(environment: Environment, refuse: Refuse): TracesConfig | null {
  const endpoint = environment.OTEL_EXPORTER_OTLP_ENDPOINT
  if (endpoint === '' || environment.OTEL_SDK_DISABLED.toLowerCase() === 'true') return null
  if (!URL.canParse(endpoint) || !ADDRESS.test(endpoint))
    refuse('OTEL_EXPORTER_OTLP_ENDPOINT', 'an address without a password, such as http://collector:4318')
  const protocol = environment.OTEL_EXPORTER_OTLP_PROTOCOL
  if (!isEncoding(protocol))
    refuse('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf or http/json, which collectors take at port 4318, not grpc')
  const resource = readResource(environment, refuse)
  return {
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: readHeaders(environment, refuse),
    encoding: isEncoding(protocol) ? ENCODINGS[protocol] : 'protobuf',
    serviceName: environment.OTEL_SERVICE_NAME || resource['service.name'] || 'hotpatch',
    resource,
    sampling: readSampling(environment, refuse),
    deviceRatio: readDeviceRatio(environment, refuse),
  }
}

function readHeaders(environment: Environment, refuse: Refuse): Record<string, string> {
  const pairs = readPairs(environment.OTEL_EXPORTER_OTLP_HEADERS)
  if (pairs?.every(([name, value]) => HEADER_NAME.test(name) && HEADER_VALUE.test(value)))
    return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]))
  refuse('OTEL_EXPORTER_OTLP_HEADERS', 'name=value, with commas between several, and what is special as %20')
  return {}
}

function readResource(environment: Environment, refuse: Refuse): Record<string, string> {
  const pairs = readPairs(environment.OTEL_RESOURCE_ATTRIBUTES)
  if (pairs?.every(([name]) => ATTRIBUTE_NAME.test(name))) return Object.fromEntries(pairs)
  refuse('OTEL_RESOURCE_ATTRIBUTES', 'name=value, with commas between several, and what is special as %20')
  return {}
}

function readSampling(environment: Environment, refuse: Refuse): SamplingConfig {
  const name = environment.OTEL_TRACES_SAMPLER
  const sampler = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined
  if (!sampler) {
    refuse('OTEL_TRACES_SAMPLER', Object.keys(SAMPLERS).join(', '))
    return { followsCaller: false, ratio: 0 }
  }
  const { followsCaller, part } = sampler
  if (part !== 'argument') return { followsCaller, ratio: part }
  const ratio = readRatio(environment.OTEL_TRACES_SAMPLER_ARG)
  if (ratio === undefined) refuse('OTEL_TRACES_SAMPLER_ARG', 'a part from 0 to 1, such as 0.1')
  return { followsCaller, ratio: ratio ?? 0 }
}

function readDeviceRatio({ HOTPATCH_TRACE_DEVICES: text }: Environment, refuse: Refuse): number {
  const ratio = readRatio(text)
  if (ratio === undefined) refuse('HOTPATCH_TRACE_DEVICES', 'a part from 0 to 1, such as 0.001')
  return ratio ?? 0
}

function readRatio(text: string): number | undefined {
  const ratio = Number(text)
  return text !== '' && ratio >= 0 && ratio <= 1 ? ratio : undefined
}

/** The form of W3C's Baggage, which OpenTelemetry takes for both. Undefined when it is not that. */
function readPairs(text: string): [string, string][] | undefined {
  const parts = text.split(',').filter((part) => part.trim() !== '')
  const pairs = parts.map(readPair)
  return pairs.includes(undefined) ? undefined : (pairs as [string, string][])
}

function readPair(text: string): [string, string] | undefined {
  const at = text.indexOf('=')
  if (at < 1) return undefined
  try {
    return [decodeURIComponent(text.slice(0, at).trim()), decodeURIComponent(text.slice(at + 1).trim())]
  } catch {
    // A "%" that begins nothing: what is meant, nobody knows.
    return undefined
  }
}

function isEncoding(text: string): text is keyof typeof ENCODINGS {
  return Object.hasOwn(ENCODINGS, text)
}
