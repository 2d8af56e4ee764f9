/** Where an app runs. A release for `any` serves every platform of its app. */
export const PLATFORMS = ['ios', 'android', 'web', 'windows', 'macos', 'linux', 'any'] as const

export type Platform = (typeof PLATFORMS)[number]

export function isPlatform(value: unknown): value is Platform {
  return (PLATFORMS as readonly unknown[]).includes(value)
}
