import { expect, test } from 'vitest'
import { createExchange } from './exchange.ts'
import { METRICS_TOPIC, type FromPrimary } from './messages.ts'

function startExchange(workers: readonly number[]) {
  const sent: [worker: number, message: FromPrimary][] = []
  let now = 0
  const exchange = createExchange({ send: (...message) => void sent.push(message), now: () => now })
  for (const worker of workers) exchange.receive(worker, { kind: 'hears' })
  sent.length = 0
  return {
    ...exchange,
    /** What was sent since the last call. */
    taken: () => sent.splice(0),
    advance: (ms: number) => (now += ms),
  }
}

const counter = (value: number) => [
  { name: 'checks', help: '', type: 'counter', aggregator: 'sum', values: [{ value, labels: { dialect: 'kit' } }] },
]

test('what one tells, all others hear that said they do', () => {
  const { receive, taken } = startExchange([1, 2, 3])
  receive(1, { kind: 'tell', topic: 'news', body: 'x' })
  receive(4, { kind: 'tell', topic: 'news', body: 'y' })
  expect(taken()).toEqual([
    ...[2, 3].map((worker) => [worker, { kind: 'told', topic: 'news', body: 'x' }]),
    ...[1, 2, 3].map((worker) => [worker, { kind: 'told', topic: 'news', body: 'y' }]),
  ])
})

test('a question is answered when all others have', () => {
  const { receive, taken } = startExchange([1, 2, 3])
  receive(1, { kind: 'ask', id: 7, topic: 'how', body: null })
  const [[, asked]] = taken() as unknown as [[number, { id: number }]]
  receive(2, { kind: 'answer', id: asked.id, body: 'a' })
  // Said twice, it counts once.
  receive(2, { kind: 'answer', id: asked.id, body: 'again' })
  expect(taken()).toEqual([])
  receive(3, { kind: 'answer', id: asked.id, body: 'b' })
  expect(taken()).toEqual([[1, { kind: 'answered', id: 7, answers: ['a', 'b'] }]])
})

test('nobody waits for one that ended', () => {
  const { receive, end, taken } = startExchange([1, 2])
  receive(1, { kind: 'ask', id: 7, topic: 'how', body: null })
  taken()
  end(2)
  expect(taken()).toEqual([[1, { kind: 'answered', id: 7, answers: [] }]])
  receive(1, { kind: 'ask', id: 8, topic: 'how', body: null })
  expect(taken()).toEqual([[1, { kind: 'answered', id: 8, answers: [] }]])
})

test('a question that nobody answers is forgotten', () => {
  const { receive, advance, taken } = startExchange([1, 2])
  receive(1, { kind: 'ask', id: 7, topic: 'how', body: null })
  const [[, asked]] = taken() as unknown as [[number, { id: number }]]
  advance(20_000)
  receive(1, { kind: 'ask', id: 8, topic: 'how', body: null })
  taken()
  receive(2, { kind: 'answer', id: asked.id, body: 'late' })
  expect(taken()).toEqual([])
})

test('what one that ended had counted goes on being counted, as far as it was told', () => {
  const { receive, end, taken } = startExchange([1, 2, 3])
  receive(2, { kind: 'tell', topic: METRICS_TOPIC, body: counter(5) })
  receive(3, { kind: 'ask', id: 1, topic: METRICS_TOPIC, body: counter(7) })
  end(2)
  end(3)
  taken()
  receive(1, { kind: 'ask', id: 2, topic: METRICS_TOPIC, body: counter(1) })
  expect(taken()).toMatchObject([[1, { answers: [[{ values: [{ value: 12, labels: { dialect: 'kit' } }] }]] }]])
})
