import type { DecisionReason } from '@hotpatch/protocol'

/** Every reason of a decision in a sentence about the device. */
export const REASON_SENTENCES: Record<DecisionReason, string> = {
  'not-started': 'The rollout has not started yet.',
  'awaits-approval': 'The rollout waits until a second person has approved it.',
  paused: 'The rollout is paused: those who have it keep it, and nobody else gets it.',
  halted: 'The rollout was halted.',
  withdrawn: 'The rollout was withdrawn.',
  'below-floor': 'The publisher signed a floor, and this is below it.',
  'requirement-unreadable': "The release's requirement cannot be read, so no device meets it.",
  'runtime-mismatch': 'The release is for another runtime version than the device has.',
  'architecture-unknown': 'The release requires a processor architecture, and the device did not tell its own.',
  'architecture-mismatch': 'The release is for other processor architectures than the device has.',
  'os-version-unknown': 'The release requires a version of the system, and the device did not tell its own.',
  'os-too-old': 'The release needs a newer version of the system than the device has.',
  'native-version-unknown': 'The release requires a native version, and the device did not tell its own.',
  'native-out-of-range': "The device's native version is outside the range that the release runs on.",
  'native-too-old': 'The release needs a newer native version than the device has.',
  'failed-on-this-device': 'The release failed on this device before, and is not tried again.',
  'kind-not-taken': 'The client takes other kinds of content than the release is of.',
  'form-not-taken':
    'The client takes the release in none of the forms in which it is there: as it is, encrypted, by one of its files, or as its tool builds.',
  'encryption-not-taken':
    'The release is there only encrypted, and the client on the device tells no key to decrypt it by.',
  'decryption-key-not-held': 'The release is encrypted for other keys than the app on the device has.',
  'list-not-held':
    'The client has to be told every file of the release, and the list of them is not in the memory of the server.',
  'built-before-binary':
    'The build is older than the binary of the app on the device, which takes only what came after.',
  'embedded-not-taken': 'The client cannot be told to go back to what its binary shipped with; it keeps what it runs.',
  'answer-not-signed':
    'The client takes only answers that the publisher has signed, later than what the device has, and there is none.',
  'not-newer': 'The device has a version of the app that is as new already, and installers go forward only.',
  'below-high-water':
    'The device has confirmed a release of a higher sequence, and refuses one that was signed under a lower.',
  'below-device-floor': 'A publisher signed a floor that the device has taken, and this is below it.',
  'key-not-trusted': 'It is signed by a key that the app on the device does not hold.',
  'not-signed': 'The app on the device takes signed releases only, and this is not signed for it.',
  'sequence-too-far': 'Its sequence is further above what the device has confirmed than it lets one rise at once.',
  'older-than-binary':
    'It was signed before the app on the device was built, and does not say which binaries it is for.',
  'outside-audience': "The device is outside the rollout's audience.",
  'attributes-differ': 'What the device told of itself does not meet a rule of the rollout, or it did not tell it.',
  'other-arm': 'The device is in another arm of the test that the rollout belongs to.',
  anonymous: 'The client does not say which device it is, and the rollout is not for everyone.',
  'forced-device': 'The rollout names this device.',
  cohort: 'The device is in a cohort that the rollout is for.',
  percentage: "The device is within the rollout's percentage.",
  'runs-the-target': 'The device runs what it should.',
  'ahead-of-rollout': 'The device runs a newer release, whose audience has shrunk since; it keeps it.',
  'nothing-published': 'Nothing is placed on this channel.',
  'release-taken-back': 'What the device runs was halted or withdrawn, and nothing else fits.',
}
