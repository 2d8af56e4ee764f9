import type { ElectronPlatform } from './electron-takes.ts'

/**
 * Electron §3: the client compares with what the kernel says of itself, `os.release()`, and only a version of three
 * numbers. Windows says its own version; of macOS Darwin counts otherwise; of Linux there is nothing but the kernel's.
 */
export function systemVersion(platform: ElectronPlatform, minOsVersion: string | undefined): string | undefined {
  const numbers = /^\d+(?:\.\d+)*/
    .exec(minOsVersion ?? '')?.[0]
    .split('.')
    .map(Number)
  if (!numbers) return undefined
  const [major = 0, minor = 0, patch = 0] = numbers
  return platform === 'macos' ? darwinVersion(major, minor) : `${major}.${minor}.${patch}`
}

function darwinVersion(major: number, minor: number): string {
  // 10.15 is Darwin 19, 11 is 20, 15 is 24, and 26, which came after it, 25.
  if (major === 10) return `${minor + 4}.0.0`
  const counted = major >= 26 ? major - 1 : major + 9
  return `${counted}.${minor}.0`
}
