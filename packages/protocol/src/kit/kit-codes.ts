/**
 * Why a kit could not be checked, planned or applied (Kits §9). `isOfRelease`: the release is wrong, and trying it again
 * would not help; else something of this machine or on the way.
 */
export const KIT_CODES = {
  'check-failed': { isOfRelease: false },
  'manifest-invalid': { isOfRelease: true },
  'signature-missing': { isOfRelease: true },
  'signature-invalid': { isOfRelease: true },
  'wrong-app': { isOfRelease: true },
  'sequence-too-low': { isOfRelease: true },
  'below-floor': { isOfRelease: true },
  'installer-too-old': { isOfRelease: true },
  'no-file-for-machine': { isOfRelease: true },
  'partial-kit': { isOfRelease: true },
  'installation-invalid': { isOfRelease: false },
  'installed-invalid': { isOfRelease: false },
  'download-failed': { isOfRelease: false },
  // What came in the place of what was signed, from whoever was asked: the next may have it.
  'hash-mismatch': { isOfRelease: false },
  'storage-full': { isOfRelease: false },
  'storage-failed': { isOfRelease: false },
  'archive-invalid': { isOfRelease: true },
  'path-escapes': { isOfRelease: true },
  'template-invalid': { isOfRelease: true },
  'hook-failed': { isOfRelease: true },
  'service-failed': { isOfRelease: true },
  'probe-failed': { isOfRelease: true },
  'migration-failed': { isOfRelease: true },
  'repair-refused': { isOfRelease: true },
  'revert-failed': { isOfRelease: false },
  'journal-damaged': { isOfRelease: false },
  'already-running': { isOfRelease: false },
  'not-consented': { isOfRelease: false },
  'outside-window': { isOfRelease: false },
  stopped: { isOfRelease: false },
} as const satisfies Record<string, { isOfRelease: boolean }>

export type KitCode = keyof typeof KIT_CODES
