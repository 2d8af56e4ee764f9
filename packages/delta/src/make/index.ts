export { memoryNeeded, type DifferenceLimits } from '../differences/find-differences.ts'
export { makeBsdiff, type BsdiffOptions } from './make-bsdiff.ts'
