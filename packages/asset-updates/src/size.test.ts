import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

/** What an app takes in that imports all of an entry, the engine included, minified and compressed by gzip. */
async function measureSize(entry: 'index.ts' | 'ui/index.ts') {
  const input = fileURLToPath(new URL(entry, import.meta.url))
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'silent' })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const { code } = output[0]
  return { code, compressedBytes: gzipSync(code, { level: 9 }).length }
}

test.each([
  ['index.ts', 15_000, 28_672],
  ['ui/index.ts', 3_000, 9_216],
] as const)('%s is small, and needs nothing of Node', async (entry, least, most) => {
  const { code, compressedBytes } = await measureSize(entry)
  expect(compressedBytes).toBeLessThan(most)
  // Of something: an empty bundle would be small as well.
  expect(compressedBytes).toBeGreaterThan(least)
  expect(code).not.toMatch(/["']node:|\brequire\(/)
})

test('elements take in no manager', async () => {
  const { code } = await measureSize('ui/index.ts')
  expect(code).not.toContain('/api/v1/updates/check')
})
