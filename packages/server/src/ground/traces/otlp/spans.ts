import { AsyncLocalStorage } from 'node:async_hooks'
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span as SdkSpan,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'
import { Problem } from '@hotpatch/protocol'
import { elapsedOn, type Clock } from '../../clock.ts'
import type { NewSpan, RunningSpan, SpanAttributes } from '../traces.ts'

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT }

export interface Span extends RunningSpan {
  traceparent: string
  traceId: string
  /** Whether what happens in it is told, too: it is sampled, and not over. */
  isOpen(): boolean
  /** What happens within belongs to it. */
  within<Result>(work: () => Result): Result
  /** Once; what has failed, by an error. */
  end(error?: unknown): void
}

interface Begun extends Span {
  sdkSpan: SdkSpan
  timeline: Timeline
}

/** When something happened: by the time that people set as it was at the trace's beginning, and by the one that nobody sets since. */
type Timeline = (agoMs?: number) => number

export type Spans = ReturnType<typeof createSpans>

/** Spans, and which of them what happens now is part of. */
export function createSpans({ tracer, clock }: { tracer: Tracer; clock: Clock }) {
  const current = new AsyncLocalStorage<Begun | undefined>()

  /**
   * A trace of its own, or, with a parent, part of one elsewhere.
   * @param began so many milliseconds ago
   */
  function start(span: NewSpan, { parent, agoMs = 0 }: { parent?: SpanContext; agoMs?: number } = {}): Span {
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
    return begin(span, context, timelineFrom(clock), agoMs)
  }

  /** Part of what is under way, or of `parent`. Undefined when that is not told, or nothing is. */
  function startStep(span: NewSpan, given?: { parent?: Span | undefined; agoMs?: number }): Span | undefined {
    const parent = (given?.parent as Begun | undefined) ?? current.getStore()
    // A timer that was set in it may go on after its end.
    if (!parent?.isOpen()) return undefined
    return begin(span, trace.setSpan(ROOT_CONTEXT, parent.sdkSpan), parent.timeline, given?.agoMs ?? 0)
  }

  function begin(
    { name, kind, attributes }: NewSpan,
    context: typeof ROOT_CONTEXT,
    timeline: Timeline,
    agoMs: number,
  ): Begun {
    const options = {
      startTime: timeline(agoMs),
      ...(kind && { kind: KINDS[kind] }),
      ...(attributes && { attributes }),
    }
    const sdkSpan = tracer.startSpan(name, options, context)
    const { traceId, spanId, traceFlags } = sdkSpan.spanContext()
    const begun: Begun = {
      sdkSpan,
      timeline,
      traceId,
      traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}`,
      isOpen: () => sdkSpan.isRecording(),
      add: (more: SpanAttributes) => void sdkSpan.setAttributes(more),
      fail: (why) => void sdkSpan.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', why),
      within: (work) => current.run(begun, work),
      end: (error) => {
        if (error !== undefined) begun.fail(kindOfError(error))
        sdkSpan.end(timeline())
      },
    }
    return begun
  }

  async function run<Result>(span: NewSpan, work: (span: RunningSpan) => Promise<Result>): Promise<Result> {
    const begun = start(span)
    return follow(begun, () => work(begun))
  }

  async function step<Result>(span: NewSpan, work: () => Promise<Result>): Promise<Result> {
    const begun = startStep(span)
    return begun ? follow(begun, work) : work()
  }

  return { start, startStep, run, step }
}

async function follow<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    const result = await span.within(work)
    span.end()
    return result
  } catch (error) {
    span.end(error ?? 'unknown')
    throw error
  }
}

function timelineFrom(clock: Clock): Timeline {
  const [at, elapsed] = [clock.now(), elapsedOn(clock)]
  return (agoMs = 0) => at + (elapsedOn(clock) - elapsed) - agoMs
}

/** Never what an error says: databases quote rows, and receivers what they were sent. */
function kindOfError(error: unknown): string {
  if (error instanceof Problem) return error.type
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : error.name.slice(0, 64)
}
