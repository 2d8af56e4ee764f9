import { open } from 'node:fs/promises'
import type { ContentFile } from '../content-kind.ts'
import { SECRET_NAMES } from '@hotpatch/api'
import { CONTENT_RULES } from './secret-rules.ts'

export interface FoundSecret {
  /** Of the rule. */
  id: string
  what: string
  /** Inside the bundle. */
  file: string
}

export interface SecretLimits {
  /** Of one file. */
  fileBytes: number
  totalBytes: number
}

/** What is read of a bundle: more than any app's code has. */
const SECRET_LIMITS: SecretLimits = { fileBytes: 64 * 1024 ** 2, totalBytes: 512 * 1024 ** 2 }
const CHUNK_BYTES = 1024 ** 2
/** More than any rule's match has: what lies across two chunks is found. */
const OVERLAP_BYTES = 2048

const MEDIA = /\.(?:png|jpe?g|gif|webp|avif|heic|bmp|ico|ttf|otf|woff2?|mp[34]|m4[av]|aac|ogg|wav|webm|mov)$/i

/**
 * What must not become public. One finding for each rule and file.
 * @returns as well which files were not read to their end
 */
export async function findSecrets(
  files: readonly ContentFile[],
  limits = SECRET_LIMITS,
): Promise<{ secrets: FoundSecret[]; unread: string[] }> {
  const secrets: FoundSecret[] = []
  const unread: string[] = []
  let leftBytes = limits.totalBytes
  for (const file of files) {
    const named = SECRET_NAMES.find(({ pattern }) => pattern.test(file.name.toLowerCase()))
    if (named) {
      secrets.push({ id: named.id, what: named.what, file: file.name })
      continue
    }
    if (MEDIA.test(file.name)) continue
    const most = Math.min(limits.fileBytes, leftBytes)
    if (file.sizeBytes > most) unread.push(file.name)
    leftBytes -= Math.min(file.sizeBytes, most)
    for (const { id, what } of await readSecrets(file, most)) secrets.push({ id, what, file: file.name })
  }
  return { secrets, unread }
}

async function readSecrets({ path }: ContentFile, mostBytes: number) {
  const left = new Set(CONTENT_RULES)
  const found = []
  const handle = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let position = 0; position < mostBytes;) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK_BYTES, mostBytes - position), position)
      const text = buffer.toString('latin1', 0, bytesRead)
      for (const each of left) {
        if (!each.pattern.test(text)) continue
        found.push(each)
        left.delete(each)
      }
      if (bytesRead < CHUNK_BYTES) break
      position += bytesRead - OVERLAP_BYTES
    }
  } finally {
    await handle.close()
  }
  return found
}
