export { readDirectory, type DirectoryLimits } from './read-directory.ts'
export { refusal, zip64Refusal, type ArchiveRule } from './refusal.ts'
