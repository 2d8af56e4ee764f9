import { CRASHED_IN_USE, type DeviceEventKind, type SdkCode } from '@hotpatch/protocol'

/** What one of the plugin's actions means in our words. */
export interface ActionMeaning {
  kind: DeviceEventKind
  code?: SdkCode | typeof CRASHED_IN_USE
  /**
   * Whether the version that it names is the one that it is about. Of some actions the plugin always names the version
   * that runs, although another one failed: they are kept with the device, and speak against no release.
   */
  isAboutVersion: boolean
  /** It is told again at every start, and says the same. */
  isRepeated?: true
}

const about = (kind: DeviceEventKind, code?: ActionMeaning['code']): ActionMeaning => ({
  kind,
  ...(code !== undefined && { code }),
  isAboutVersion: true,
})
const aboutNone = (kind: DeviceEventKind, code: SdkCode): ActionMeaning => ({ kind, code, isAboutVersion: false })

/** Capgo §4. Whatever is not in it, the progress of downloads above all, is taken and not kept. */
const ACTIONS: Readonly<Record<string, ActionMeaning>> = {
  download_zip_start: about('download-started'),
  download_manifest_start: about('download-started'),
  download_complete: about('downloaded'),
  set: about('applied'),
  app_launch_ready: { ...about('confirmed'), isRepeated: true },
  update_fail: about('rolled-back', 'not-confirmed'),
  set_fail: about('failed', 'storage-failed'),
  finish_download_fail: about('failed', 'storage-failed'),
  low_mem_fail: about('download-failed', 'storage-failed'),
  decrypt_fail: about('failed', 'signature-invalid'),
  manifest_path_fail: about('failed', 'archive-invalid'),
  download_manifest_file_fail: about('download-failed', 'download-failed'),
  download_manifest_checksum_fail: about('failed', 'hash-mismatch'),
  download_manifest_brotli_fail: about('failed', 'hash-mismatch'),
  app_crash: about('crashed', CRASHED_IN_USE),
  app_crash_native: about('crashed', CRASHED_IN_USE),
  app_initialization_failure: about('crashed', CRASHED_IN_USE),
  download_fail: aboutNone('download-failed', 'download-failed'),
  insufficient_disk_space: aboutNone('download-failed', 'storage-full'),
  checksum_fail: aboutNone('failed', 'hash-mismatch'),
  checksum_required: aboutNone('failed', 'signature-missing'),
  session_key_required: aboutNone('failed', 'signature-missing'),
  unzip_fail: aboutNone('failed', 'archive-invalid'),
  windows_path_fail: aboutNone('failed', 'archive-invalid'),
  canonical_path_fail: aboutNone('failed', 'archive-invalid'),
  directory_path_fail: aboutNone('failed', 'archive-invalid'),
}

/** Undefined of what is not kept. */
export function meaningOf(action: string): ActionMeaning | undefined {
  return Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
}
