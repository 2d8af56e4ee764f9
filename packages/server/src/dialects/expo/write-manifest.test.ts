import { createHash } from 'node:crypto'
import { expoManifestOf, expoUpdateOf, readExpoManifest, writeExpoManifest } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { textOf } from '../../ground/http/made-body.ts'
import { writeBody, type Placing } from './write-manifest.ts'

const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex')

/** Its config holds what an address looks like, and what stands in front of one. */
const CONFIG = { name: 'https://example.com/assets', description: '.invalid/assets/' }
const FILES = ['index.hbc', 'one.png', 'two.png'].map((path) => ({
  path,
  sha256: sha256Of(path),
  sizeBytes: 1,
  contentType: 'application/octet-stream',
  brotli: null,
}))
const EXPORTED = {
  platform: 'ios',
  bundle: 'index.hbc',
  assets: ['one.png', 'two.png'].map((path) => ({ path, ext: 'png' })),
}
const LIST = sha256Of('files.json')

function release(exported: object = { ...EXPORTED, config: CONFIG }): OfferedRelease {
  const content = { kind: 'files', sha256: LIST, sizeBytes: 1, fileCount: 3, totalBytes: 3 }
  return { id: 'release', content, held: { files: [...FILES], exported } } as unknown as OfferedRelease
}

const writeManifest = (of: OfferedRelease, placing: Placing) => textOf(writeBody(of, placing, 0, undefined))

const AT = { at: 1_790_000_000_123, place: 'rollout' }

test.each([
  ['https://updates.example.com/expo/demo/assets', '1.0.0'],
  ['http://[::1]:3000/expo/demo/assets', 'a "text" \\ with é'],
  ['http://my_server:3000/expo/demo/assets', '1'],
])('is what it would be if all of it was written anew, at %s for %s', (assetsUrl, runtimeVersion) => {
  const update = expoUpdateOf(EXPORTED, FILES, { sha256: LIST, runtimeVersion, config: CONFIG })
  const text = writeManifest(release(), { ...AT, runtimeVersion, assetsUrl })
  expect(text).toBe(writeExpoManifest(expoManifestOf(update, { ...AT, assetsUrl })))
  expect(readExpoManifest(text).runtimeVersion).toBe(runtimeVersion)
})

test('is worked out once, whatever versions and hosts clients make up', () => {
  let read = 0
  const config = {
    get name() {
      read++
      return 'Demo'
    },
  }
  const one = release({ ...EXPORTED, config })
  const texts = new Set<string>()
  for (let number = 0; number < 100; number++) {
    const assetsUrl = `https://host-${number % 50}.example.com/expo/demo/assets`
    texts.add(writeManifest(one, { ...AT, runtimeVersion: `version ${number}`, assetsUrl }))
  }
  expect([texts.size, read]).toEqual([100, 1])
})

test.each([
  ['https://updates.example.com', '', /runtimeVersion/],
  ['https://updates.example.com', 'x'.repeat(256), /runtimeVersion/],
  ['javascript:alert', '1', /launchAsset\/url/],
  ['https://updates.example.com/"', '1', /launchAsset\/url/],
])('of what no client takes none leaves the server: %s, %s', (assetsUrl, runtimeVersion, found) => {
  expect(() => writeManifest(release(), { ...AT, runtimeVersion, assetsUrl })).toThrow(found)
})
