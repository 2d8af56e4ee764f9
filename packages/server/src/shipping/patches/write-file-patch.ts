import { readFile, stat } from 'node:fs/promises'
import { makeBsdiff, memoryNeeded } from '@hotpatch/delta/make'
import { PatchError } from '@hotpatch/delta'
import { keepSmaller } from './keep-smaller.ts'
import { makingRoom } from './making-room.ts'
import type { FilePatchQuestion, PatchAnswer } from './patch-question.ts'

/** Content §12: of one file, in one format. */
export async function writeFilePatch(
  question: FilePatchQuestion,
  signal: AbortSignal,
  { maxMemoryBytes } = makingRoom(),
): Promise<PatchAnswer> {
  const { kind: format } = question
  const sizes = [await stat(question.base), await stat(question.source)].map(({ size }) => size)
  // Before they are read: nobody is asked how large a file is that is published.
  if (memoryNeeded(sizes[0] ?? 0, sizes[1] ?? 0) > maxMemoryBytes) return { outcome: 'too-large' }
  const [base, target] = [await readFile(question.base), await readFile(question.source)]
  try {
    const options = { formats: [format], signal, maxMemoryBytes }
    const patches = await makeBsdiff(base, target, options)
    return await keepSmaller(
      question,
      patches.map((bytes) => ({ format, bytes })),
    )
  } catch (error) {
    if (error instanceof PatchError && error.code === 'too-expensive') return { outcome: 'too-large' }
    throw error
  }
}
