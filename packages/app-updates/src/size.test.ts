import { expect, test } from 'vitest'
import { measureSize } from './testing/measure-size.ts'

test.each([
  ['index.ts', 3_000, 8_192],
  ['ui/index.ts', 3_000, 9_216],
  ['react-native/index.ts', 200, 1_024],
  ['electron/preload.ts', 200, 1_024],
] as const)('%s is small, and needs nothing of Node', async (entry, least, most) => {
  const { code, compressedBytes } = await measureSize(entry)
  expect(compressedBytes).toBeLessThan(most)
  // Of something: an empty bundle would be small as well.
  expect(compressedBytes).toBeGreaterThan(least)
  expect(code).not.toMatch(/["']node:|\brequire\(/)
})

test('elements take in no updater', async () => {
  const { code } = await measureSize('ui/index.ts')
  expect(code).not.toContain('/api/updates/check')
})

test.each(['index.ts', 'ui/index.ts'] as const)('importing %s does nothing', async (entry) => {
  const { code } = await measureSize(entry)
  const names = ['fetch', 'localStorage', 'document', 'window', 'customElements', 'HTMLElement', 'crypto'] as const
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
      else Reflect.deleteProperty(globalThis, name)
    }
  }
  expect(touched).toEqual([])
})
