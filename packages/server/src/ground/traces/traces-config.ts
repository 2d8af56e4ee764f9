/** Of the traces that start here, which are sent: what OpenTelemetry calls a sampler. */
export interface SamplingConfig {
  /** Whether a trace that somebody known has begun elsewhere is sent when they send theirs. */
  followsCaller: boolean
  /** Of all others the part that is sent, from 0 to 1. */
  ratio: number
}

/** Where traces are sent, and which. */
export interface TracesConfig {
  /** Of a collector, with the path for traces. */
  url: string
  /** They may hold secrets. */
  headers: Readonly<Record<string, string>>
  encoding: 'json' | 'protobuf'
  serviceName: string
  resource: Readonly<Record<string, string>>
  sampling: SamplingConfig
  /** Of what devices ask, the part that is looked at at all: they are most of the traffic. */
  deviceRatio: number
}
