export { binaryRangeOf, readBinaryRange, type BinaryRange } from './binary-range.ts'
export { isPackaged, writePackageFiles } from './package-files.ts'
