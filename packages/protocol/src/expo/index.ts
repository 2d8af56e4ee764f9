export { base64UrlFromHex } from './base64url.ts'
export { readExpoConfig, type ExpoConfig } from './config.ts'
export { readExpoDirective, writeExpoDirective, type ExpoDirective } from './directive.ts'
export { EXPO_CONFIG, EXPO_METADATA, readExpoExport, type ExpoExport } from './export.ts'
export {
  DIGEST_START_LENGTH,
  expoPlaceOf,
  expoUpdateId,
  readExpoTime,
  readExpoUpdateId,
  writeExpoTime,
  type ExpoIdentity,
} from './identity.ts'
export {
  readExpoAddress,
  readExpoManifest,
  readExpoRuntimeVersion,
  writeExpoManifest,
  type ExpoAsset,
  type ExpoManifest,
} from './manifest.ts'
export {
  ByteSequence,
  readDictionary,
  readList,
  StructuredFieldError,
  Token,
  writeDictionary,
  type BareItem,
  type Item,
} from './structured-fields.ts'
export { expoTimeOf, laterThanTold } from './update-times.ts'
export { expoManifestOf, expoUpdateOf, type ExpoFile, type ExpoPlacing, type ExpoUpdate } from './update.ts'
