import { AggregatorRegistry, Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { ALONE, type Crew } from '../workers/crew.ts'
import { METRICS_TOPIC } from '../workers/messages.ts'

/** What /metrics shows, for Prometheus. */
export interface Metrics {
  contentType: string
  /**
   * Of all processes of this machine.
   * @throws problem unavailable when one does not answer: a sum without it would look as if the server had begun anew
   */
  render(): Promise<string>
  countCheck(dialect: string, kind: string): void
  countDownload(sizeBytes: number): void
  observeRequest(route: string, method: string, status: number, seconds: number): void
  /**
   * Numbers that are read when they are asked for.
   * @param together what several processes have of it: the sum, unless they count the same
   */
  gauge(name: string, help: string, read: () => number, together?: 'sum' | 'min' | 'max'): void
}

/** Figures of the process, which watch it until it ends: once, however many servers it has. */
let ofProcess: Registry | undefined

function watchProcess(): Registry {
  if (ofProcess) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  return ofProcess
}

export function createMetrics(crew: Crew = ALONE): Metrics {
  const process = watchProcess()
  const registry = new Registry()
  // On the check path; a counter with labels costs ten times as much, and is asked for every few seconds at most.
  const checkCounts = new Map<string, Map<string, { count: number }>>()
  const checks = new Counter({
    name: 'hotpatch_checks_total',
    help: 'Answered checks by client protocol and decision',
    labelNames: ['dialect', 'decision'],
    registers: [],
    collect() {
      this.reset()
      for (const [dialect, byKind] of checkCounts) {
        for (const [decision, { count }] of byKind) this.inc({ dialect, decision }, count)
      }
    },
  })
  registry.registerMetric(checks)
  const downloads = new Counter({
    name: 'hotpatch_downloads_total',
    help: 'Artifacts that were sent to their end',
    registers: [registry],
  })
  const downloaded = new Counter({
    name: 'hotpatch_downloaded_bytes_total',
    help: 'Sizes of the artifacts that were sent to their end',
    registers: [registry],
  })
  const requests = new Histogram({
    name: 'hotpatch_request_seconds',
    help: 'Requests by route, without the checks',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  })

  async function readAll() {
    return [...(await process.getMetricsAsJSON()), ...(await registry.getMetricsAsJSON())]
  }

  async function renderOfAll(): Promise<string> {
    const own = await readAll()
    const others = await crew.ask(METRICS_TOPIC, own)
    // One that ended meanwhile has told nothing.
    const told = others.filter((figures): figures is typeof own => Array.isArray(figures))
    return AggregatorRegistry.aggregate([own, ...told]).metrics()
  }

  if (crew.size > 1) crew.on(METRICS_TOPIC, readAll)

  return {
    contentType: registry.contentType,
    render: async () =>
      crew.size > 1 ? renderOfAll() : [await process.metrics(), await registry.metrics()].join('\n'),
    countCheck(dialect, kind) {
      let byKind = checkCounts.get(dialect)
      if (!byKind) checkCounts.set(dialect, (byKind = new Map()))
      const counted = byKind.get(kind)
      if (counted) counted.count++
      else byKind.set(kind, { count: 1 })
    },
    countDownload(sizeBytes) {
      downloads.inc()
      downloaded.inc(sizeBytes)
    },
    observeRequest(route, method, status, seconds) {
      requests.labels(route, method, String(status)).observe(seconds)
    },
    gauge(name, help, read, together = 'sum') {
      const gauge = new Gauge({
        name,
        help,
        registers: [],
        aggregator: together,
        collect() {
          this.set(read())
        },
      })
      registry.registerMetric(gauge)
    },
  }
}
