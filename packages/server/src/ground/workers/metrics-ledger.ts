/** As prom-client gives them: what it needs of them to add them up. */
interface Figure {
  name: string
  type: string
  values: readonly FigureValue[]
}
interface FigureValue {
  value: number
  labels: Readonly<Record<string, string | number>>
  metricName?: string
}

/** Label sets that are kept of processes that ended: routes and statuses are few. */
const MAX_VALUES = 50_000

/**
 * What processes had counted that are no more: a sum that falls when one ends would be taken for a server that began
 * anew, and what the others counted since their start for what happened since. Of one that was killed it is what it said
 * last.
 */
export function createMetricsLedger() {
  const lastSaid = new Map<number, readonly Figure[]>()
  const ended = new Map<string, { figure: Figure; values: Map<string, FigureValue> }>()
  let size = 0

  function note(worker: number, body: unknown): void {
    if (Array.isArray(body)) lastSaid.set(worker, body as Figure[])
  }

  function end(worker: number): void {
    for (const figure of lastSaid.get(worker) ?? []) {
      if (figure.type === 'counter' || figure.type === 'histogram') add(figure)
    }
    lastSaid.delete(worker)
  }

  function add(figure: Figure): void {
    const known = ended.get(figure.name) ?? { figure, values: new Map<string, FigureValue>() }
    ended.set(figure.name, known)
    for (const value of figure.values) {
      const key = JSON.stringify([
        value.metricName,
        Object.entries(value.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ])
      const before = known.values.get(key)
      if (!before && size >= MAX_VALUES) continue
      if (!before) size++
      known.values.set(key, { ...value, value: value.value + (before?.value ?? 0) })
    }
  }

  function ofThoseThatEnded(): Figure[] {
    return [...ended.values()].map(({ figure, values }) => ({ ...figure, values: [...values.values()] }))
  }

  return { note, end, ofThoseThatEnded }
}
