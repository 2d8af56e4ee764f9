import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { makeTreePatch } from '@hotpatch/delta/make'
import { formatBytes } from '../../output/text.ts'

/** Bytecode of an earlier release, of which the new one may have as much as possible. */
export interface HermesBase {
  version: string
  path: string
}

export interface MeasuredBytecode {
  /** Of the bundle by itself, as it is packed in the zip. */
  fullBytes: number
  /** From the base. */
  patchBytes: number
}

const pack = promisify<Buffer, object, Buffer>(deflateRaw)

export async function measureBytecode(path: string, base: HermesBase, signal: AbortSignal): Promise<MeasuredBytecode> {
  const [before, after] = [await readFile(base.path), await readFile(path)]
  const { patches } = await makeTreePatch([fileOf(before)], [fileOf(after)], { packings: ['brotli'], signal })
  return { fullBytes: (await pack(after, { level: 9 })).length, patchBytes: patches[0]?.bytes.length ?? after.length }
}

function fileOf(bytes: Buffer) {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { path: 'bundle', sizeBytes: bytes.length, sha256, read: () => Promise.resolve(bytes) }
}

/** By what a device that has the base and one that has nothing fetch together. */
export function isWorthIt(against: MeasuredBytecode, alone: MeasuredBytecode): boolean {
  return against.fullBytes + against.patchBytes < alone.fullBytes + alone.patchBytes
}

export function describeMeasured(
  { version }: HermesBase,
  { against, alone }: { against: MeasuredBytecode; alone: MeasuredBytecode },
): string {
  const between = (most: number, least: number) => `${formatBytes(most)} instead of ${formatBytes(least)}`
  const patch = `a patch from it has ${between(against.patchBytes, alone.patchBytes)}`
  const more = 100 * (against.fullBytes / alone.fullBytes - 1)
  const full = `the full bundle, packed, ${between(against.fullBytes, alone.fullBytes)} (${more >= 0 ? '+' : ''}${more.toFixed(1)} %)`
  const taken = isWorthIt(against, alone) ? 'That is published.' : 'It is published compiled by itself.'
  return `Compiled against ${version}, ${patch}, and ${full}. ${taken}`
}
