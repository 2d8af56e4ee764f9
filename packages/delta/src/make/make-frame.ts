import type { Differences } from '../differences/differences.ts'
import { findDifferences, type DifferenceLimits } from '../differences/find-differences.ts'
import { createByteWriter } from '../ground/byte-writer.ts'
import { PatchError } from '../ground/patch-error.ts'
import type { PlannedFile, SourceFile } from './plan-tree.ts'
import { finish, type WorkOptions } from './work.ts'

/** What is new or patched together, before it is packed. */
export interface MadeFrame {
  content: Uint8Array
  stepBytes: number
  addedBytes: number
  insertedBytes: number
  /** For each file, in order; undefined of one that turned out to be new. */
  stepCounts: (number | undefined)[]
}

type MadeFile = Exclude<PlannedFile, { kind: 'kept' | 'moved' }>

/** Patches §5.4. */
export async function makeFrame(
  files: readonly MadeFile[],
  base: readonly SourceFile[],
  options: DifferenceLimits & WorkOptions,
): Promise<MadeFrame> {
  const steps = createByteWriter()
  const added = createByteWriter()
  const inserted = createByteWriter()
  const stepCounts: (number | undefined)[] = []
  for (const [index, planned] of files.entries()) {
    const target = await planned.file.read()
    const differences =
      planned.kind === 'patched' ? await differencesOf(await base[planned.base]!.read(), target, options) : undefined
    if (differences) {
      writeSteps(steps, differences)
      added.bytes(differences.added)
      inserted.bytes(differences.inserted)
    } else {
      inserted.bytes(target)
    }
    stepCounts.push(differences && differences.steps.length / 3)
    options.onProgress?.((index + 1) / files.length)
  }
  const [first, second, third] = [steps.all(), added.all(), inserted.all()]
  const sizes = { stepBytes: first.length, addedBytes: second.length, insertedBytes: third.length }
  return { content: Buffer.concat([first, second, third]), ...sizes, stepCounts }
}

/** Undefined: the whole file is the better way. */
async function differencesOf(
  base: Uint8Array,
  target: Uint8Array,
  { signal, ...limits }: DifferenceLimits & WorkOptions,
): Promise<Differences | undefined> {
  try {
    const differences = await finish(findDifferences(base, target, limits), { signal })
    return differences.added.length > 0 ? differences : undefined
  } catch (error) {
    if (error instanceof PatchError && error.code === 'too-expensive') return undefined
    throw error
  }
}

function writeSteps(writer: ReturnType<typeof createByteWriter>, { steps }: Differences): void {
  for (let step = 0; step < steps.length; step += 3) {
    writer.number(steps[step]!)
    writer.number(steps[step + 1]!)
    const jump = steps[step + 2]!
    writer.number(jump < 0 ? -2 * jump - 1 : 2 * jump)
  }
}
