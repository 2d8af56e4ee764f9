import type { UpdatePlatform } from '../ground/settings.ts'

const PLATFORMS: Readonly<Record<string, UpdatePlatform>> = { darwin: 'macos', win32: 'windows', linux: 'linux' }
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', ia32: 'x86', arm64: 'arm64', arm: 'arm' }

/** What this process is, in the words of the contract. @throws TypeError on a system that has no word there */
export function thisMachine(): { platform: UpdatePlatform; architecture: string } {
  const platform = PLATFORMS[process.platform]
  if (!platform) throw new TypeError(`expected darwin, win32 or linux, found ${process.platform}`)
  return { platform, architecture: ARCHITECTURES[process.arch] ?? process.arch }
}
