import { createHash } from 'node:crypto'
import type { Hasher } from '../ports.ts'

export function createNodeSha256(): Hasher {
  const hash = createHash('sha256')
  return {
    update(bytes) {
      hash.update(bytes)
    },
    digest: () => hash.digest(),
  }
}
