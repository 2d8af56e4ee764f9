import { damaged, PatchError } from '../ground/patch-error.ts'
import { PACKINGS, type Packing } from './tree-format.ts'

/**
 * Everything that `packed` stands for, which must be `sizeBytes`: stops with an error before more is made of it. Undefined
 * for what this machine cannot unpack.
 */
export type Unpacking = Readonly<
  Partial<Record<Packing, (packed: Uint8Array, sizeBytes: number) => Uint8Array | Promise<Uint8Array>>>
>

export function readPacking(byte: number): Packing {
  const found = (Object.keys(PACKINGS) as Packing[]).find((packing) => PACKINGS[packing] === byte)
  if (!found) throw new PatchError('packing-unsupported', `Expected a packing that is known, found ${byte}.`)
  return found
}

export async function unpack(
  unpacking: Unpacking,
  { packing, packed, sizeBytes }: { packing: Packing; packed: Uint8Array; sizeBytes: number },
): Promise<Uint8Array> {
  const run = unpacking[packing]
  if (!run) throw new PatchError('packing-unsupported', `Expected a packing that this machine has, found ${packing}.`)
  let bytes: Uint8Array
  try {
    bytes = await run(packed, sizeBytes)
  } catch (error) {
    throw new PatchError('patch-damaged', `Expected ${packing}, found something else.`, { cause: error })
  }
  if (bytes.length !== sizeBytes) throw damaged(`Expected ${sizeBytes} bytes to be unpacked, found ${bytes.length}.`)
  return bytes
}
