/** How one attribute is read and compared. */
interface AttributeKind {
  /** What is longer is cut. */
  maxLength: number
  /** A range says something of it. */
  isVersion?: true
  /** Some systems count theirs: a number is taken as text. */
  mayBeNumber?: true
  /** `true` and `false` are taken as text. */
  mayBeBoolean?: true
}

/**
 * What a device may tell of itself besides the versions that requirements are about. All that reads, stores, shows and
 * compares attributes goes by this: a new one is one line here.
 */
export const DEVICE_ATTRIBUTES = {
  osVersion: { maxLength: 64, isVersion: true, mayBeNumber: true },
  model: { maxLength: 200 },
  /** Such as de-AT or de_AT. */
  locale: { maxLength: 64 },
  /** The shell's build number. */
  nativeBuild: { maxLength: 64, mayBeNumber: true },
  /** Such as arm64 or x64. */
  architecture: { maxLength: 64 },
  /** Of what speaks for the device: an SDK, a plugin. */
  sdkVersion: { maxLength: 64, isVersion: true },
  /**
   * Of the key by which that decrypts releases (Content §8.2): the id, or its beginning. Of several (Encryption §5) their
   * ids, with commas between.
   */
  decryptionKeyId: { maxLength: 140 },
  /** Of the key by which it verifies answers, as its client calls it. */
  answerKeyId: { maxLength: 64 },
  /** What the binary shipped with, as its client calls it. */
  embeddedUpdateId: { maxLength: 64 },
  /** By which percentages draw it in place of its id, of clients that share one: from 1 to 1000, or a name. */
  rolloutCohort: { maxLength: 64 },
  /** What its installer takes, best first, with commas between: such as "apk". */
  installerFormats: { maxLength: 200 },
  /** `true` or `false`. */
  isEmulator: { maxLength: 5, mayBeBoolean: true },
  /** Whether the binary is one that users have: `true` or `false`. */
  isProduction: { maxLength: 5, mayBeBoolean: true },
  /** The store that the binary came from, such as google_play or testflight. */
  installSource: { maxLength: 64 },
} as const satisfies Record<string, AttributeKind>

export type DeviceAttribute = keyof typeof DEVICE_ATTRIBUTES

export const DEVICE_ATTRIBUTE_NAMES = Object.keys(DEVICE_ATTRIBUTES) as readonly DeviceAttribute[]

/** What an app tells of itself by names of its own: nothing but rules of audiences looks at it. */
export type CustomAttribute = `custom.${string}`

const CUSTOM_ATTRIBUTE = /^custom\.[a-z0-9][a-z0-9._-]{0,39}$/

/** Of one device. */
export const MAX_CUSTOM_ATTRIBUTES = 20
/** What is longer is cut. */
export const MAX_CUSTOM_LENGTH = 200

export function isCustomAttribute(name: string): name is CustomAttribute {
  return CUSTOM_ATTRIBUTE.test(name)
}

/** As the client told them; undefined what it did not. */
export type DeviceAttributes = { [Name in DeviceAttribute]?: string | undefined } & {
  [name: CustomAttribute]: string | undefined
}

export function attributeKind(name: DeviceAttribute): AttributeKind {
  return DEVICE_ATTRIBUTES[name]
}
