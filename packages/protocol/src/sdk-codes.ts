/**
 * Why a device could not take a release. The same list in every SDK: vectors/problems/sdk-codes.json.
 * `isRetryable`: the same release may be tried again later. `blamesRelease`: it is never offered to this device again.
 */
export const SDK_CODES = {
  'check-failed': { isRetryable: true, blamesRelease: false },
  'answer-invalid': { isRetryable: true, blamesRelease: false },
  'insecure-url': { isRetryable: false, blamesRelease: false },
  'download-failed': { isRetryable: true, blamesRelease: false },
  'download-timeout': { isRetryable: true, blamesRelease: false },
  'download-too-large': { isRetryable: true, blamesRelease: false },
  'download-truncated': { isRetryable: true, blamesRelease: false },
  'patch-failed': { isRetryable: true, blamesRelease: false },
  'storage-full': { isRetryable: true, blamesRelease: false },
  'storage-failed': { isRetryable: true, blamesRelease: false },
  'hash-mismatch': { isRetryable: true, blamesRelease: false },
  'signature-missing': { isRetryable: false, blamesRelease: false },
  'signature-invalid': { isRetryable: false, blamesRelease: false },
  'statement-invalid': { isRetryable: false, blamesRelease: false },
  'wrong-app': { isRetryable: false, blamesRelease: false },
  'wrong-platform': { isRetryable: false, blamesRelease: false },
  'requirement-not-met': { isRetryable: false, blamesRelease: false },
  'sequence-too-low': { isRetryable: false, blamesRelease: false },
  'sequence-too-far': { isRetryable: false, blamesRelease: false },
  'older-than-binary': { isRetryable: false, blamesRelease: false },
  'catalog-expired': { isRetryable: true, blamesRelease: false },
  'catalog-too-old': { isRetryable: true, blamesRelease: false },
  'below-floor': { isRetryable: false, blamesRelease: false },
  'encryption-unknown': { isRetryable: false, blamesRelease: false },
  'decryption-key-missing': { isRetryable: false, blamesRelease: false },
  'decryption-failed': { isRetryable: false, blamesRelease: true },
  'install-failed': { isRetryable: true, blamesRelease: false },
  'archive-invalid': { isRetryable: false, blamesRelease: true },
  'files-invalid': { isRetryable: false, blamesRelease: true },
  'not-confirmed': { isRetryable: false, blamesRelease: true },
  crashed: { isRetryable: false, blamesRelease: true },
  'crashed-after-confirm': { isRetryable: false, blamesRelease: true },
} as const satisfies Record<string, { isRetryable: boolean; blamesRelease: boolean }>

export type SdkCode = keyof typeof SDK_CODES
