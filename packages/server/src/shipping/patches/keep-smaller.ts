import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { ReceivedBytes } from '../content/content-kind.ts'
import type { PatchFormat } from './patch-kinds.ts'
import type { PatchAnswer, PatchQuestion } from './patch-question.ts'

/** Writes those that are worth it. */
export async function keepSmaller(
  { targets, maxBytes }: Pick<PatchQuestion, 'targets' | 'maxBytes'>,
  patches: readonly { format: PatchFormat; bytes: Uint8Array }[],
): Promise<PatchAnswer> {
  const made: Partial<Record<PatchFormat, ReceivedBytes>> = {}
  for (const { format, bytes } of patches) {
    const path = targets[format]
    if (path === undefined || bytes.length > maxBytes) continue
    await writeFile(path, bytes)
    made[format] = { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length }
  }
  return Object.keys(made).length === 0 ? { outcome: 'not-smaller' } : { outcome: 'made', made }
}
