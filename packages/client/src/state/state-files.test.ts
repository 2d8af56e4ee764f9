import { describe, expect, test } from 'vitest'
import { utf8FromText } from '@hotpatch/protocol'
import vectors from '../../../../vectors/engine/state-files.json' with { type: 'json' }
import { readJson } from '../ground/json-file.ts'
import { readReports } from '../ground/report.ts'
import { createMemoryFiles } from '../memory/memory-files.ts'
import { readStartCount } from './crash-counter.ts'
import { readTree } from './release-tree.ts'
import { CRASH_COUNT, MARKER } from './storage-layout.ts'
import { readStoredState } from './stored-state.ts'

interface StateFile {
  comment: string
  /** What lies there; or `base64`, where that is no text. */
  text?: string
  base64?: string
  /** Null: as good as absent. */
  reads: unknown
}

async function diskWith(path: string, { text, base64 }: StateFile) {
  const files = createMemoryFiles()
  await files.makeDirectory('ota/bundle')
  await files.write(path, base64 === undefined ? utf8FromText(text ?? '') : Buffer.from(base64, 'base64'))
  return files
}

describe('what is made of the engine’s own files, damaged, older and newer ones (Engine §1, §6)', () => {
  test.each(vectors.metadata as StateFile[])('metadata.json: $comment', async (file) => {
    expect((await readJson(await diskWith('ota/a', file), 'ota/a', readStoredState)) ?? null).toEqual(file.reads)
  })

  test.each(vectors.crashCount as StateFile[])('crash_count.json: $comment', async (file) => {
    expect((await readStartCount(await diskWith(CRASH_COUNT, file))) ?? null).toEqual(file.reads)
  })

  test.each(vectors.reports as StateFile[])('outbox.json: $comment', async (file) => {
    const reports = await readJson(await diskWith('ota/a', file), 'ota/a', (value) => readReports(value, ''))
    expect(reports ?? null).toEqual(file.reads)
  })

  test.each(vectors.markers as StateFile[])('.hotpatch.json: $comment', async (file) => {
    expect((await readTree(await diskWith(`ota/bundle/${MARKER}`, file), 'ota/bundle')) ?? null).toEqual(file.reads)
  })
})
