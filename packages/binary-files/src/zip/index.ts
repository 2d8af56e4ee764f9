export type { ZipBytes } from './end-record.ts'
export { readDirectory, type DirectoryLimits } from './read-directory.ts'
export { refusal, zip64Refusal, type ArchiveRule } from './refusal.ts'
