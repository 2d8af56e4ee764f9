import cluster from 'node:cluster'
import { problem } from '@hotpatch/protocol'
import { SECOND_MS } from '../clock.ts'
import type { Crew } from './crew.ts'
import { METRICS_TOPIC, type FromPrimary, type FromWorker } from './messages.ts'

/** Others answer in a millisecond or two; one that hangs must not hold up whoever asks. */
const ANSWER_MS = 2 * SECOND_MS

const RETRY_LATER = { retryAfterSeconds: 5 }

/** What the process itself says to the primary, and hears from it. */
export interface CrewMember extends Crew {
  /** It listens. */
  serves(): void
  /** Called when another one has taken its place. */
  whenToLeave(leave: () => void): void
  /** The last that others hear of it: its figures, which go on counting. */
  sayFarewell(): Promise<void>
}

/** The crew of a worker, by messages over the primary. */
export function joinCrew({ size }: { size: number }): CrewMember {
  const listeners = new Map<string, (body: unknown) => unknown>()
  const questions = new Map<number, PromiseWithResolvers<unknown[]>>()
  const joined = Promise.withResolvers<void>()
  const leaving = Promise.withResolvers<void>()
  const onElected: (() => void)[] = []
  let isElected = false
  let lastId = 0

  process.on('message', (message: FromPrimary) => {
    switch (message.kind) {
      case 'joined':
        return joined.resolve()
      case 'elected':
        return elect()
      case 'leave':
        return leaving.resolve()
      case 'told':
        return void hear(message.topic, message.body)
      case 'asked':
        return void hear(message.topic, message.body).then((body) => send({ kind: 'answer', id: message.id, body }))
      case 'answered':
        return questions.get(message.id)?.resolve(message.answers)
    }
  })

  function send(message: FromWorker): void {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
  }

  async function hear(topic: string, body: unknown): Promise<unknown> {
    try {
      return await listeners.get(topic)?.(body)
    } catch {
      // Whoever was asked has logged it where it belongs, and undefined says that it came to nothing.
      return undefined
    }
  }

  function elect(): void {
    isElected = true
    for (const begin of onElected.splice(0)) begin()
  }

  async function ask(topic: string, body: unknown): Promise<unknown[]> {
    const id = ++lastId
    const question = Promise.withResolvers<unknown[]>()
    questions.set(id, question)
    const detail = `Another worker process did not answer within ${ANSWER_MS / SECOND_MS} s.`
    const late = () => question.reject(problem('unavailable', detail, RETRY_LATER))
    const timer = setTimeout(late, ANSWER_MS)
    send({ kind: 'ask', id, topic, body })
    return question.promise.finally(() => {
      clearTimeout(timer)
      questions.delete(id)
    })
  }

  function join(): Promise<void> {
    send({ kind: 'hears' })
    return joined.promise
  }

  function whenElected(begin: () => void): void {
    if (isElected) begin()
    else onElected.push(begin)
  }

  function atElected(name: string, run: () => void): () => void {
    const topic = `elected ${name}`
    const runIfElected = () => {
      if (isElected) run()
    }
    listeners.set(topic, runIfElected)
    return () => (isElected ? run() : send({ kind: 'tell', topic, body: null }))
  }

  return {
    size,
    // Workers are numbered as they start.
    isFirst: cluster.worker?.id === 1,
    on: (topic, listener) => void listeners.set(topic, listener),
    tell: (topic, body) => send({ kind: 'tell', topic, body }),
    ask,
    join,
    whenElected,
    atElected,
    serves: () => send({ kind: 'serves' }),
    whenToLeave: (leave) => void leaving.promise.then(leave),
    async sayFarewell() {
      const body = await hear(METRICS_TOPIC, null)
      await new Promise<void>((resolve) => {
        const sent = process.send?.({ kind: 'tell', topic: METRICS_TOPIC, body }, undefined, undefined, () => resolve())
        if (sent === undefined) resolve()
      })
    },
  }
}
