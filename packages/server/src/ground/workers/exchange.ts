import type { FromPrimary, FromWorker } from './messages.ts'
import { METRICS_TOPIC } from './messages.ts'
import { createMetricsLedger } from './metrics-ledger.ts'

/** Longer than any asker waits. */
const FORGET_MS = 10_000
/** Questions that wait at once: an asker that is refused does without. */
const MAX_WAITING = 10_000

interface Question {
  asker: number
  askedAs: number
  topic: string
  waitsFor: Set<number>
  answers: unknown[]
  at: number
}

/** Passes on, in the primary process, what workers tell and ask each other. It knows nothing of what it means, but for the figures of those that end. */
export function createExchange({
  send,
  now = () => performance.now(),
}: {
  send: (worker: number, message: FromPrimary) => void
  now?: () => number
}) {
  const hearing = new Set<number>()
  const questions = new Map<number, Question>()
  const ledger = createMetricsLedger()
  let lastId = 0

  function receive(from: number, message: Exclude<FromWorker, { kind: 'serves' }>): void {
    switch (message.kind) {
      case 'hears':
        hearing.add(from)
        return send(from, { kind: 'joined' })
      case 'tell':
        if (message.topic === METRICS_TOPIC) return ledger.note(from, message.body)
        for (const other of othersOf(from)) send(other, { kind: 'told', topic: message.topic, body: message.body })
        return
      case 'ask':
        return ask(from, message)
      case 'answer':
        return take(from, message.id, message.body)
    }
  }

  function othersOf(worker: number): number[] {
    return [...hearing].filter((other) => other !== worker)
  }

  function ask(asker: number, { id: askedAs, topic, body }: Extract<FromWorker, { kind: 'ask' }>): void {
    forgetOld()
    if (topic === METRICS_TOPIC) ledger.note(asker, body)
    const others = questions.size < MAX_WAITING ? othersOf(asker) : []
    const question = { asker, askedAs, topic, waitsFor: new Set(others), answers: [], at: now() }
    const id = ++lastId
    questions.set(id, question)
    for (const other of others) send(other, { kind: 'asked', id, topic, body: topic === METRICS_TOPIC ? null : body })
    finish(id, question)
  }

  function take(from: number, id: number, body: unknown): void {
    const question = questions.get(id)
    if (!question?.waitsFor.delete(from)) return
    if (question.topic === METRICS_TOPIC) ledger.note(from, body)
    question.answers.push(body)
    finish(id, question)
  }

  function finish(id: number, { asker, askedAs, topic, waitsFor, answers }: Question): void {
    if (waitsFor.size > 0) return
    questions.delete(id)
    const all = topic === METRICS_TOPIC ? [...answers, ledger.ofThoseThatEnded()] : answers
    send(asker, { kind: 'answered', id: askedAs, answers: all })
  }

  function forgetOld(): void {
    for (const [id, { at }] of questions) {
      // In the order in which they were asked.
      if (now() - at < FORGET_MS) return
      questions.delete(id)
    }
  }

  /** Whoever waits for it goes without its answer. */
  function end(worker: number): void {
    hearing.delete(worker)
    ledger.end(worker)
    for (const [id, question] of questions) {
      if (question.asker === worker) questions.delete(id)
      else if (question.waitsFor.delete(worker)) finish(id, question)
    }
  }

  return { receive, end }
}
