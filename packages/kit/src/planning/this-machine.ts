import type { Platform } from '@hotpatch/protocol'

/** Kits §7.2: what files are chosen by. */
export interface Machine {
  platform: Platform
  /** Such as "x86_64" or "arm64". */
  architecture: string
}

const PLATFORMS: Readonly<Record<string, Platform>> = { darwin: 'macos', win32: 'windows', linux: 'linux' }
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', ia32: 'x86' }

/** What a process runs on, in the words of manifests. @param process Node's own */
export function machineOf({ platform, arch }: { platform: string; arch: string }): Machine {
  return { platform: PLATFORMS[platform] ?? 'any', architecture: ARCHITECTURES[arch] ?? arch }
}
