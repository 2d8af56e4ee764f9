import { expect, test } from 'vitest'
import { onFatalError, type ErrorHandler } from './count-fatal-errors.ts'

function someErrorUtils(first: ErrorHandler | undefined) {
  let handler = first
  return {
    getGlobalHandler: () => handler,
    setGlobalHandler: (next: ErrorHandler) => {
      handler = next
    },
    report: (error: unknown, isFatal?: boolean) => handler?.(error, isFatal),
  }
}

test('what ends the app is counted first, and then goes its way', () => {
  const heard: unknown[] = []
  const errors = someErrorUtils((error, isFatal) => heard.push([error, isFatal]))
  onFatalError(errors, () => heard.push('counted'))
  errors.report('a', true)
  errors.report('b', false)
  expect(heard).toEqual(['counted', ['a', true], ['b', false]])
})

test('it goes its way also when it cannot be counted', () => {
  const heard: unknown[] = []
  const errors = someErrorUtils((error) => heard.push(error))
  onFatalError(errors, () => {
    throw new Error('the disk is full')
  })
  errors.report('a', true)
  expect(heard).toEqual(['a'])
})

test('without anything to chain to, nothing breaks', () => {
  onFatalError(undefined, () => undefined)
  const errors = someErrorUtils(undefined)
  let counted = 0
  onFatalError(errors, () => (counted += 1))
  errors.report('a', true)
  expect(counted).toBe(1)
})
