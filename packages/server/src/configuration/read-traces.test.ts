import { expect, test } from 'vitest'
import { ConfigError, readConfig } from './config.ts'
import { readEnvironment } from './env.ts'

const ENDPOINT = 'http://collector:4318'
const read = (env: Record<string, string>) => readConfig(readEnvironment(env)).traces
const readWith = (env: Record<string, string>) => read({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, ...env })

test('without a collector there are no traces, and what others are told of theirs does not matter', () => {
  expect(read({})).toBeNull()
  expect(read({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'jaeger_remote' })).toBeNull()
  expect(readWith({ OTEL_SDK_DISABLED: 'TRUE' })).toBeNull()
})

test('an address is enough', () => {
  expect(readWith({})).toEqual({
    url: 'http://collector:4318/v1/traces',
    headers: {},
    encoding: 'protobuf',
    serviceName: 'hotpatch',
    resource: {},
    sampling: { followsCaller: true, ratio: 1 },
    deviceRatio: 0,
  })
})

test.each([
  ['of its own variable', { OTEL_SERVICE_NAME: 'updates', OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' }, 'updates'],
  ['of the attributes', { OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' }, 'other'],
  ['hotpatch, where neither says one', { OTEL_RESOURCE_ATTRIBUTES: 'service.name=' }, 'hotpatch'],
])('the name of the service is that %s', (_which, env, name) => {
  expect(readWith(env)?.serviceName).toBe(name)
})

test('headers and attributes come in the form of the standard', () => {
  const traces = readWith({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/otlp/',
    OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20a%2Cb==, x-team = updates ,',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=production,region=eu%20west',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    HOTPATCH_TRACE_DEVICES: '0.001',
  })
  expect(traces).toMatchObject({
    url: 'https://collector.example/otlp/v1/traces',
    headers: { authorization: 'Bearer a,b==', 'x-team': 'updates' },
    resource: { 'deployment.environment.name': 'production', region: 'eu west' },
    encoding: 'json',
    deviceRatio: 0.001,
  })
})

test.each([
  ['always_on', { followsCaller: false, ratio: 1 }],
  ['always_off', { followsCaller: false, ratio: 0 }],
  ['traceidratio', { followsCaller: false, ratio: 0.25 }],
  ['parentbased_always_on', { followsCaller: true, ratio: 1 }],
  ['parentbased_always_off', { followsCaller: true, ratio: 0 }],
  ['parentbased_traceidratio', { followsCaller: true, ratio: 0.25 }],
])('the sampler %s means what the standard says', (sampler, expected) => {
  expect(readWith({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: '0.25' })?.sampling).toEqual(expected)
})

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4317'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'https://name:hidden@collector.example'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'hidden'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'x-key=hidden%0d%0ahost: elsewhere'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'host=hidden'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'x-key=hidden%'],
  ['OTEL_RESOURCE_ATTRIBUTES', '=hidden'],
  ['OTEL_TRACES_SAMPLER', 'sometimes'],
  ['OTEL_TRACES_SAMPLER', 'constructor'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'toString'],
  ['HOTPATCH_TRACE_DEVICES', 'true'],
])('%s=%s is refused, without a word of the value', (name, value) => {
  const refusal = () => readWith({ [name]: value })
  expect(refusal).toThrow(ConfigError)
  expect(refusal).toThrow(`${name}: expected `)
  expect(refusal).not.toThrow('hidden')
})

test('a part that none can be is refused', () => {
  for (const part of ['1.5', '-1', 'NaN', 'half']) {
    const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: part }
    expect(() => readWith(env)).toThrow('OTEL_TRACES_SAMPLER_ARG: expected a part from 0 to 1')
  }
})
