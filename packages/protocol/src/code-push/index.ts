export { binaryRangeOf, readBinaryRange, type BinaryRange } from './binary-range.ts'
export {
  CHANGES_MANIFEST,
  isPackaged,
  isPackageSignature,
  PACKAGE_SIGNATURE,
  writePackageFiles,
} from './package-files.ts'
