/**
 * Why a kit could not be checked, planned or applied (Kits §9). `isOfRelease`: the release is wrong, and trying it again
 * would not help; else something of this machine, or on the way to it. A code that engines on devices have too means the
 * same of both: what came by way of a server or a mirror and is not what was signed blames no release.
 */
export const KIT_CODES = {
  'check-failed': { isOfRelease: false },
  'manifest-invalid': { isOfRelease: true },
  'signature-missing': { isOfRelease: false },
  'signature-invalid': { isOfRelease: false },
  'wrong-app': { isOfRelease: false },
  'wrong-channel': { isOfRelease: false },
  'sequence-too-low': { isOfRelease: false },
  'below-floor': { isOfRelease: false },
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
