import fc from 'fast-check'
import { expect, test } from 'vitest'
import vectors from '../../../../vectors/files-manifest.json' with { type: 'json' }
import { UnexpectedJsonError } from '../json-reader.ts'
import { readFilesManifest, writeFilesManifest, type FilesManifest } from './files-manifest.ts'

function pointerOf(text: string): string | undefined {
  try {
    readFilesManifest(text)
    return undefined
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.pointer
    throw error
  }
}

test.each(vectors.manifests)('exact text: $comment', ({ manifest, text }) => {
  expect(writeFilesManifest(manifest as FilesManifest)).toBe(text)
  expect(readFilesManifest(text)).toEqual(manifest)
})

test.each(vectors.accepted)('read: $comment', ({ text, reads }) => {
  expect(readFilesManifest(text)).toEqual(reads)
})

test.each(vectors.rejected)('refused at "$pointer": $comment', ({ text, pointer }) => {
  expect(pointerOf(text)).toBe(pointer)
})

test('at most 20,000 files', () => {
  const manifest = (count: number) =>
    writeFilesManifest({
      files: Array.from({ length: count }, (_, index) => ({
        path: `assets/${index}`,
        sha256: 'a'.repeat(64),
        sizeBytes: 1,
      })),
    })
  expect(readFilesManifest(manifest(20_000)).files).toHaveLength(20_000)
  expect(pointerOf(manifest(20_001))).toBe('/files')
})

test('any JSON is read or refused with a place', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(pointerOf(text)).toBeTypeOf('string')
    }),
  )
})
