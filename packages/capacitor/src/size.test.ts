import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

const LIMIT_BYTES = 12 * 1024

/** What an app takes in that imports all of an entry, minified; React is the app's own. */
async function measure(entry: string): Promise<{ code: string; compressedBytes: number }> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(entry, import.meta.url)),
    platform: 'browser',
    external: ['react', 'react-dom'],
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const { code } = output[0]
  return { code, compressedBytes: gzipSync(code, { level: 9 }).length }
}

test('the core is small', async () => {
  const { compressedBytes } = await measure('./index.ts')
  expect(compressedBytes).toBeLessThan(LIMIT_BYTES)
  // Of something: an empty bundle would be small as well.
  expect(compressedBytes).toBeGreaterThan(3_000)
})

test.each(['./dom/index.ts', './react/index.ts'])('dialogs take in no second core: %s', async (entry) => {
  const { code, compressedBytes } = await measure(entry)
  expect(compressedBytes).toBeLessThan(LIMIT_BYTES / 2)
  expect(code).not.toContain('notifyAppReady')
})

test('importing it does nothing', async () => {
  const { code } = await measure('./index.ts')
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
