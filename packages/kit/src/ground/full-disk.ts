import { KitError } from './kit-error.ts'

export function isFullDisk(error: unknown): boolean {
  if (error instanceof KitError) return error.code === 'storage-full'
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}
