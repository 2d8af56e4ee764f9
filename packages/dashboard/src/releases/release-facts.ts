import type { Release } from '@hotpatch/api'

/** Bytes that a device downloads that has nothing of it; of a binary, of its largest file. */
export function downloadBytes({ content }: Release): number {
  switch (content.kind) {
    case 'archive':
      return content.sizeBytes
    case 'files':
      return content.totalBytes
    case 'binary':
      return Math.max(0, ...content.files.map(({ sizeBytes }) => sizeBytes))
  }
}

export function fileCount({ content }: Release): number {
  return content.kind === 'binary' ? content.files.length : content.fileCount
}

/** Whether its publisher has signed anything of it. */
export function isSigned({ statementSignature, signature, signatures }: Release): boolean {
  return statementSignature !== null || signature !== null || (signatures?.length ?? 0) > 0
}
