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
