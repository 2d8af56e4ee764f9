export { applyBsdiff, type AnnouncedBytes, type BsdiffApplication } from './bsdiff/apply-bsdiff.ts'
export type { BsdiffFormat } from './bsdiff/bsdiff-format.ts'
export type { Sha256 } from './ground/digest.ts'
export { PatchError, type PatchErrorCode } from './ground/patch-error.ts'
