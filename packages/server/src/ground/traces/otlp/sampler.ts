import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace'
import type { SamplingConfig } from '../traces-config.ts'

/** What is part of a trace here goes with it: half a trace explains nothing. */
export function samplerOf({ followsCaller, ratio }: SamplingConfig): Sampler {
  const root = rootSamplerOf(ratio)
  const remote = followsCaller ? {} : { remoteParentSampled: root, remoteParentNotSampled: root }
  return new ParentBasedSampler({ root, ...remote })
}

function rootSamplerOf(ratio: number): Sampler {
  if (ratio >= 1) return new AlwaysOnSampler()
  return ratio <= 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
}
