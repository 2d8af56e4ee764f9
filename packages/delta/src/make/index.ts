export { memoryNeeded, type DifferenceLimits } from '../differences/find-differences.ts'
export { makeBsdiff, type BsdiffOptions } from './make-bsdiff.ts'
export { makeTreePatch, type MadeTreePatch, type MadeTreePatches, type TreePatchOptions } from './make-tree-patch.ts'
export type { SourceFile } from './plan-tree.ts'
