export * from './attribute-rules.ts'
export * from './audience.ts'
export * from './buckets.ts'
export * from './catalog.ts'
export * from './checksum.ts'
export * from './client-takes.ts'
export * from './code-push/index.ts'
export { ARCHIVE_NAME, ENCRYPTED_ARCHIVE_NAME, statedArchive, type ArchiveContent } from './content/archive.ts'
export { statedBinary, type BinaryContent } from './content/binary.ts'
export { MAX_ARTIFACTS, type ContentArtifact } from './content/content-artifact.ts'
export { FILES_MANIFEST_NAME, statedFiles, type FilesContent } from './content/files.ts'
export * from './content/files-manifest.ts'
export {
  KIT_CONTENT_NAME,
  kitContentOf,
  readKitContent,
  requirementOfKit,
  statedKit,
  writeKitContent,
  type KitContent,
} from './content/kit.ts'
export { contentTypeOfFile, extensionOf } from './content/file-types.ts'
export { comparePaths, EMPTY_TREE, inTreeOrder, treeLines, writeTree, type TreeFile } from './content/tree.ts'
export {
  CONTENT_KINDS,
  type ContentKindName,
  type DeviceContent,
  type ReleaseContent,
} from './content/release-content.ts'
export * from './decide.ts'
export * from './device-attributes.ts'
export * from './device-event.ts'
export * from './device-trust.ts'
export * from './device.ts'
export * from './digest-signature.ts'
export * from './edge/index.ts'
export * from './encryption/encrypted-file.ts'
export * from './encryption/encryption-crypto.ts'
export * from './encryption/file-cipher.ts'
export { openHpke, sealHpke } from './encryption/hpke.ts'
export * from './expo/index.ts'
export * from './file-paths.ts'
export * from './hex.ts'
export * from './code-push/index.ts'
export * from './hot-updater/index.ts'
export * from './in-force.ts'
export * from './json-reader.ts'
export * from './kit/index.ts'
export * from './platforms.ts'
export * from './problems.ts'
export * from './refusals.ts'
export * from './release-statement.ts'
export * from './requirement.ts'
export * from './sdk-codes.ts'
export * from './signed-answers.ts'
export * from './statement.ts'
export { textFromUtf8, utf8FromText } from './utf8.ts'
export * from './versions/android-version.ts'
export * from './versions/binary-order.ts'
export * from './versions/native-range.ts'
export * from './versions/native-version.ts'
export * from './versions/semver.ts'
