export { createBundleHandler, type BundleHandler, type BundleHandlerOptions } from './bundle-handler.ts'
export {
  answerBundleRequest,
  DOWNLOAD_PATH,
  MANIFEST_PATH,
  type BundleAnswer,
  type BundleRequest,
} from './bundle-answers.ts'
export { BundleUnavailable, openBundleFolder, type BundleFolder } from './bundle-folder.ts'
export type { BundleSnapshot } from './bundle-snapshot.ts'
