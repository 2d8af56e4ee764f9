import { readObject, readString } from '@hotpatch/protocol'
import type { HostPort } from './ports.ts'

/** Engine §3: which app binary it is. Builds of one version, and runtimes of one build, are different binaries. */
export interface Binary {
  nativeVersion: string
  nativeBuild: string | null
  runtimeVersion: string | null
}

type ToldBinary = Pick<HostPort, 'nativeVersion' | 'nativeBuild' | 'runtimeVersion'>

export function binaryOf({ nativeVersion, nativeBuild, runtimeVersion }: ToldBinary): Binary {
  return { nativeVersion, nativeBuild: nativeBuild ?? null, runtimeVersion: runtimeVersion ?? null }
}

/**
 * Engine §4: when it was built; null when it does not say so, or says what cannot be. A time that is yet to come would
 * keep the device from whatever is signed until then. Asked once in a process: what is told and what is judged by agree.
 */
export function readBuiltAt({ builtAt }: Pick<HostPort, 'builtAt'>, now: number): number | null {
  return Number.isSafeInteger(builtAt) && builtAt !== undefined && builtAt >= 0 && builtAt <= now ? builtAt : null
}

export function isSameBinary(a: Binary, b: Binary): boolean {
  return a.nativeVersion === b.nativeVersion && a.nativeBuild === b.nativeBuild && a.runtimeVersion === b.runtimeVersion
}

/** @throws UnexpectedJsonError */
export function readBinary(value: unknown, pointer: string): Binary {
  const json = readObject(value, pointer)
  return {
    nativeVersion: readString(json.nativeVersion, `${pointer}/nativeVersion`),
    nativeBuild: readOptional(json.nativeBuild, `${pointer}/nativeBuild`),
    runtimeVersion: readOptional(json.runtimeVersion, `${pointer}/runtimeVersion`),
  }
}

function readOptional(value: unknown, pointer: string): string | null {
  return value === null || value === undefined ? null : readString(value, pointer)
}
