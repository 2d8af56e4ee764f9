import type { Release } from '@hotpatch/api'

/** Bytes that a device downloads that has nothing of it; of a binary, of its largest file, and so of each component. */
export function downloadBytes({ content }: Release): number {
  switch (content.kind) {
    case 'archive':
      return content.sizeBytes
    case 'files':
      return content.totalBytes
    case 'binary':
      return Math.max(0, ...content.files.map(({ sizeBytes }) => sizeBytes))
    case 'kit':
      return content.components.reduce((sum, { files }) => sum + Math.max(0, ...files.map(sizeOf)), 0)
  }
}

export function fileCount({ content }: Release): number {
  switch (content.kind) {
    case 'archive':
    case 'files':
      return content.fileCount
    case 'binary':
      return content.files.length
    case 'kit':
      return content.components.reduce((sum, { files }) => sum + files.length, 0)
  }
}

function sizeOf({ sizeBytes }: { sizeBytes: number }): number {
  return sizeBytes
}

/** Whether its publisher has signed anything of it. */
export function isSigned({ statementSignature, signature, signatures }: Release): boolean {
  return statementSignature !== null || signature !== null || (signatures?.length ?? 0) > 0
}
