import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { answerQuestions } from '../../ground/threads/answer-questions.ts'
import { giveWay } from '../../ground/threads/give-way.ts'
import { makeBlockMap, packBlockMap } from './block-map.ts'
import type { BlockMapAnswer, BlockMapQuestion } from './block-maps.ts'
import { findEmbeddedMap } from './embedded-block-map.ts'

giveWay()

answerQuestions(mapBlocks)

async function mapBlocks({ source, target, mayEmbed }: BlockMapQuestion): Promise<BlockMapAnswer> {
  const embeddedBytes = mayEmbed ? await findEmbeddedMap(source) : undefined
  if (embeddedBytes !== undefined) return { bytes: undefined, embeddedBytes }
  const packed = await packBlockMap(await makeBlockMap(createReadStream(source)))
  await writeFile(target, packed)
  const sha256 = createHash('sha256').update(packed).digest('hex')
  return { bytes: { sha256, sizeBytes: packed.length }, embeddedBytes: undefined }
}
