import { expect, test } from 'vitest'
import { createMemory } from './remember-answers.ts'

function rememberer(maxBytes: number) {
  const made: string[] = []
  const remember = createMemory({ maxBytes }).rememberer((text: string) => text.length)
  const ask = (subject: object, variant: string) =>
    remember(subject, variant, () => {
      made.push(variant)
      return variant.padEnd(1_000)
    })
  return { made, ask }
}

test('what was made once is there for whoever asks for the same', () => {
  const { made, ask } = rememberer(100_000)
  const [one, other] = [{}, {}]
  for (const subject of [one, other, one, other]) {
    expect(ask(subject, 'a')).toBe('a'.padEnd(1_000))
    expect(ask(subject, 'b')).toBe('b'.padEnd(1_000))
  }
  expect(made).toEqual(['a', 'b', 'a', 'b'])
})

test('what one remembers is nothing of another, whatever it is of', () => {
  const memory = createMemory({ maxBytes: 100_000 })
  const subject = {}
  const [texts, counts] = [memory.rememberer((text: string) => text.length), memory.rememberer(() => 8)]
  expect(texts(subject, '', () => 'a text')).toBe('a text')
  expect(counts(subject, '', () => 1)).toBe(1)
  expect(texts(subject, '', () => 'another')).toBe('a text')
})

test('bytes are counted: what was made up pushes out what nobody asks for, and nothing that is in use', () => {
  const { made, ask } = rememberer(10_000)
  const subject = {}
  ask(subject, 'in use')
  ask(subject, 'forgotten')
  for (let count = 0; count < 100; count++) {
    ask(subject, `host ${count}`)
    ask(subject, 'in use')
  }
  ask(subject, 'forgotten')
  expect(made.filter((variant) => !variant.startsWith('host'))).toEqual(['in use', 'forgotten', 'forgotten'])
})

test('what is larger than all the room is made, and pushes out the rest', () => {
  const { made, ask } = rememberer(1_000)
  const subject = {}
  expect(ask(subject, 'large')).toHaveLength(1_000)
  expect(ask(subject, 'large')).toHaveLength(1_000)
  expect(made).toEqual(['large'])
  ask(subject, 'larger')
  ask(subject, 'even larger')
  ask(subject, 'large')
  expect(made).toEqual(['large', 'larger', 'even larger', 'large'])
})
