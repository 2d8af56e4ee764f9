import type { ByteReader } from '../ground/byte-reader.ts'
import { damaged } from '../ground/patch-error.ts'

/** What a frame holds: three streams that its files share one after the other. */
export interface FrameContent {
  steps: ByteReader
  added: ByteReader
  inserted: ByteReader
}

/** Patches §5.4. A copy, as a frame is let go before its files are. */
export function makeNewFile({ inserted }: FrameContent, sizeBytes: number): Uint8Array {
  return inserted.take(sizeBytes).slice()
}

/** Patches §5.4. Strict, other than bspatch: what a step takes of the base is within it. */
export function makePatchedFile(
  { steps, added, inserted }: FrameContent,
  base: Uint8Array,
  { sizeBytes, stepCount }: { sizeBytes: number; stepCount: number },
): Uint8Array {
  const target = new Uint8Array(sizeBytes)
  let [at, position] = [0, 0]
  for (let step = 0; step < stepCount; step += 1) {
    const [addedBytes, insertedBytes, jump] = [steps.number(), steps.number(), steps.number()]
    if (addedBytes + insertedBytes > sizeBytes - at) {
      throw damaged(`Expected a step within ${sizeBytes - at} bytes, found one of ${addedBytes} and ${insertedBytes}.`)
    }
    if (addedBytes > 0 && (position < 0 || addedBytes > base.length - position)) {
      throw damaged(`Expected a step within ${base.length} bytes of the base, found ${addedBytes} from ${position} on.`)
    }
    const difference = added.take(addedBytes)
    for (let index = 0; index < addedBytes; index += 1)
      target[at + index] = difference[index]! + base[position + index]!
    target.set(inserted.take(insertedBytes), at + addedBytes)
    at += addedBytes + insertedBytes
    // Even ones go forward.
    position += addedBytes + (jump % 2 === 0 ? jump / 2 : -(jump + 1) / 2)
  }
  if (at !== sizeBytes) throw damaged(`Expected steps for ${sizeBytes} bytes, found them for ${at}.`)
  return target
}
