import { expect, test } from 'vitest'
import { CORE_LIMIT_BYTES, measureSize } from './testing/measure-size.ts'

test('the core is small', async () => {
  const { compressedBytes } = await measureSize('index.ts')
  expect(compressedBytes).toBeLessThan(CORE_LIMIT_BYTES)
  // Of something: an empty bundle would be small as well.
  expect(compressedBytes).toBeGreaterThan(3_000)
})

test.each(['dom/index.ts', 'react/index.ts'] as const)('dialogs take in no second core: %s', async (entry) => {
  const { code, compressedBytes } = await measureSize(entry)
  expect(compressedBytes).toBeLessThan(CORE_LIMIT_BYTES / 2)
  expect(code).not.toContain('notifyAppReady')
})

test('importing it does nothing', async () => {
  const { code } = await measureSize('index.ts')
  const names = ['fetch', 'localStorage', 'sessionStorage', 'document', 'crypto'] as const
  const touched: string[] = []
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const name of names) {
    Object.defineProperty(globalThis, name, { configurable: true, get: () => touched.push(name), set: () => {} })
  }
  try {
    await import(`data:text/javascript,${encodeURIComponent(code)}`)
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      else delete globalThis[name]
    }
  }
  expect(touched).toEqual([])
})
