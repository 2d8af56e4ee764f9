import type { SdkCode } from '@hotpatch/protocol'

/** What every code of a report means, as `vectors/problems/sdk-codes.json` has it. */
export const CODE_SENTENCES: Record<SdkCode, string> = {
  'check-failed': 'The check got no answer, or an error.',
  'answer-invalid': 'The answer to the check is not as the protocol has it.',
  'insecure-url': 'An address is not https, and this app does not allow that.',
  'download-failed': 'The connection or the server failed during a download.',
  'download-timeout': 'A download stalled or took too long.',
  'download-too-large': 'More bytes came than were announced.',
  'download-truncated': 'Fewer bytes came than were announced.',
  'patch-failed': 'A patch could not be had or applied; the whole download follows.',
  'storage-full': 'There is no space left.',
  'storage-failed': 'A file could not be read or written.',
  'hash-mismatch': 'The bytes do not have the announced SHA-256.',
  'signature-missing': 'The app takes signed releases only, and a signature or statement is missing.',
  'signature-invalid': 'No known key signed these bytes.',
  'statement-invalid': 'The statement is signed, but is not as it must be or does not fit the answer.',
  'wrong-app': 'The statement is for another app.',
  'wrong-platform': 'The statement is for another platform.',
  'requirement-not-met': 'The publisher requires another native version or runtime version than this shell has.',
  'sequence-too-low': 'A statement with a higher sequence was seen before.',
  'sequence-too-far': 'The sequence is further above the highest one seen before than a device lets it rise at once.',
  'older-than-binary': 'The statement was signed before this binary was built, and names no binaries that it is for.',
  'catalog-expired':
    'What the edge said is not good any more: its files are not renewed, or the clock of the device is wrong.',
  'catalog-too-old': 'What the edge said is older than what was heard of it before.',
  'below-floor': 'The publisher ruled out everything below a sequence, and this is below it.',
  'encryption-unknown': 'The release is encrypted in a way that is not known here.',
  'decryption-key-missing': 'The release is encrypted for other keys than this binary has.',
  'decryption-failed': 'The encrypted file is the one that was signed, and does not open, or has something else in it.',
  'install-failed': 'The installer of the system did not take the file.',
  'archive-invalid': 'The archive is broken, or has entries that are not allowed.',
  'files-invalid': 'The list of files is not as it must be, or has paths that are not allowed.',
  'not-confirmed': 'The release started and was never confirmed.',
  crashed: 'The release crashed on its first starts.',
  'crashed-after-confirm':
    'The release was confirmed, and later crashed or did not become ready at several starts in a row.',
}
