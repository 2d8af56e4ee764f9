import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

/** What an app takes in that imports all of an entry, minified and compressed by gzip; what is fetched later is apart. */
async function measure(entry: string): Promise<{ code: string; compressedBytes: number; laterFiles: number }> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`../${entry}`, import.meta.url)),
    platform: 'browser',
    logLevel: 'silent',
    external: ['react'],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const { code } = output[0]
  return { code, compressedBytes: gzipSync(code, { level: 9 }).length, laterFiles: output.length - 1 }
}

test.each([
  ['banner/index.ts', 2_000, 6_144, 0],
  ['banner/react.ts', 2_000, 6_144, 0],
  // A library for Ed25519 comes only to pages that need it.
  ['checking/index.ts', 4_000, 12_288, 1],
] as const)('%s is small, and needs nothing of Node', async (entry, least, most, later) => {
  const { code, compressedBytes, laterFiles } = await measure(entry)
  expect(compressedBytes).toBeLessThan(most)
  // Of something: an empty bundle would be small as well.
  expect(compressedBytes).toBeGreaterThan(least)
  expect(laterFiles).toBe(later)
  expect(code).not.toMatch(/["']node:|\brequire\(/)
})

test('a banner takes in no checks', async () => {
  expect((await measure('banner/index.ts')).code).not.toContain('/personal-kit/')
})

test.each(['banner/index.ts', 'checking/index.ts'])('importing %s does nothing', async (entry) => {
  const { code } = await measure(entry)
  const names = [
    'fetch',
    'localStorage',
    'sessionStorage',
    'document',
    'window',
    'customElements',
    'HTMLElement',
  ] as const
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
