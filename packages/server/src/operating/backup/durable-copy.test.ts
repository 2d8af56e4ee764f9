import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { writeDurably } from './durable-copy.ts'

test('a source that fails before its first byte is asked for is an error of the copy, not of the process', async () => {
  const root = await mkdtemp(join(tmpdir(), 'hotpatch-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const source = new PassThrough()
  source.destroy(new Error('It is gone.'))
  await expect(writeDurably(source, join(root, 'copy'))).rejects.toThrow('It is gone.')
})
