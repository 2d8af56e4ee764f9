import { UnexpectedJsonError } from './json-reader.ts'

/** Where an app runs. A release for `any` serves every platform of its app. */
export const PLATFORMS = ['ios', 'android', 'web', 'windows', 'macos', 'linux', 'any'] as const

export type Platform = (typeof PLATFORMS)[number]

export function isPlatform(value: unknown): value is Platform {
  return (PLATFORMS as readonly unknown[]).includes(value)
}

/** @throws UnexpectedJsonError */
export function readPlatform(value: unknown, pointer: string): Platform {
  if (!isPlatform(value)) throw new UnexpectedJsonError(pointer, `one of ${PLATFORMS.join(', ')}`, value)
  return value
}
