import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { VERSION } from '../../version.ts'
import type { ForTraces } from '../open-traces.ts'
import type { Traces } from '../traces.ts'
import type { TracesConfig } from '../traces-config.ts'
import { createCollector } from './collector.ts'
import { samplerOf } from './sampler.ts'
import { createSpans } from './spans.ts'
import { traceAnsweredDevices, traceRequests } from './traced-requests.ts'
import { traceDialect } from './traced-dialect.ts'
import { traceStorage } from './traced-storage.ts'

/** What waits to be sent. A collector that cannot keep up gets less, and nobody waits for it. */
const QUEUE = { maxQueueSize: 2048, maxExportBatchSize: 512, scheduledDelayMillis: 5_000 }
/** Of a text that somebody else chose, such as a resource's attribute. */
const MAX_ATTRIBUTE_LENGTH = 1024
/** At a stop, whatever the collector does. */
const STOP_MS = 3_000

/**
 * OpenTelemetry's own library makes, samples and queues the spans. It is not made known to other libraries: what those
 * would tell of themselves, nobody has looked through.
 */
export function startTraces(config: TracesConfig, { clock, timers, newId, random, log }: ForTraces): Traces {
  const collector = createCollector({ config, timers, log })
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(resourceOf(config, newId()))),
    sampler: samplerOf(config.sampling),
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_LENGTH },
    spanProcessors: [new BatchSpanProcessor({ exporter: collector, ...QUEUE })],
  })
  const spans = createSpans({ tracer: provider.getTracer('hotpatch', VERSION), clock })

  async function stop(): Promise<void> {
    const tooLong = Promise.withResolvers<void>()
    const cancel = timers.after(STOP_MS, tooLong.resolve)
    collector.hurry()
    // What could not be sent, the collector's side has said.
    const sent = provider.forceFlush({ timeoutMillis: STOP_MS }).catch(() => undefined)
    await Promise.race([sent, tooLong.promise])
    cancel()
    collector.close()
    await provider.shutdown().catch(() => undefined)
  }

  return {
    run: spans.run,
    ofDatabase: (dialect, system) => traceDialect(dialect, { spans, system }),
    ofStorage: (driver, kind) => traceStorage(driver, { spans, kind }),
    ofRequests: (app) => traceRequests(app, { spans, clock }),
    onDeviceAnswered: traceAnsweredDevices({ spans, ratio: config.deviceRatio, random }),
    stop,
  }
}

/** What the operator says of the service counts. */
function resourceOf({ serviceName, resource }: TracesConfig, instanceId: string): Record<string, string> {
  return {
    'service.version': VERSION,
    'service.instance.id': instanceId,
    ...resource,
    'service.name': serviceName,
  }
}
