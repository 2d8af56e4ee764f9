import { readArtifacts, type ContentArtifact } from './content/content-artifact.ts'
import { readReleaseContent, writeReleaseContent, type DeviceContent } from './content/release-content.ts'
import {
  parseJson,
  readArray,
  readInteger,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
} from './json-reader.ts'
import { readPlatform, type Platform } from './platforms.ts'
import { MAX_ARCHITECTURES, REQUIREMENT_NAMES, type Requirement } from './requirement.ts'

/** The first field of every statement, so that a signature can never pass for one over something else. */
export const RELEASE_STATEMENT_TYPE = 'hotpatch.release.v1'

/** Signing §4: a device refuses longer statements unread. */
export const MAX_STATEMENT_BYTES = 64 * 1024

/**
 * Signing §1: what a publisher signs. All that a device decides on lies inside the signature.
 * A roll-back is the same content stated again under a higher sequence; `target: "embedded"` sends
 * devices back to what their binary shipped with and has no content.
 */
export interface ReleaseStatement {
  type: typeof RELEASE_STATEMENT_TYPE
  appId: string
  platform: Platform
  target: 'release' | 'embedded'
  /** The release's version; "embedded" when that is the target. */
  version: string
  /** Rises with every statement for (app, platform); a device refuses one lower than it has seen. */
  sequence: number
  /**
   * A device that has seen this statement never again accepts a lower sequence than this, nor embedded unsigned.
   * 0 sets no floor; never above the statement's own sequence.
   */
  floor: number
  requirement: Requirement
  /** Null: what the binary shipped with. */
  content: DeviceContent | null
  /** All bytes of the content, whatever its kind. */
  artifacts: readonly ContentArtifact[]
  /** ISO 8601 in UTC. Decides for devices that know when their binary was built (Engine §4), else it is for people. */
  createdAt: string
}

export type NewReleaseStatement = Omit<ReleaseStatement, 'type'>

/** What a statement says beside the target embedded. */
export const STATED_EMBEDDED = { target: 'embedded', version: 'embedded', content: null, artifacts: [] } as const

/** Signing §2: the text whose UTF-8 bytes are signed, stored and sent, unchanged for ever. */
export function writeReleaseStatement(statement: NewReleaseStatement): string {
  const { appId, platform, target, version, sequence, floor, requirement, content, artifacts, createdAt } = statement
  return JSON.stringify({
    type: RELEASE_STATEMENT_TYPE,
    appId,
    platform,
    target,
    version,
    sequence,
    floor,
    requirement: writeRequirement(requirement),
    ...(content && { content: writeReleaseContent(content) }),
    artifacts: artifacts.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes })),
    createdAt,
  })
}

/**
 * Signing §3: reads a statement, after its signature was verified over the bytes that `text` came from.
 * Fields that it does not know are allowed, and ignored.
 * @throws UnexpectedJsonError with the place of the first thing that is not as it must be
 */
export function readReleaseStatement(text: string): ReleaseStatement {
  const json = readObject(parseJson(text), '')
  const type = readString(json.type, '/type')
  if (type !== RELEASE_STATEMENT_TYPE) {
    throw new UnexpectedJsonError('/type', JSON.stringify(RELEASE_STATEMENT_TYPE), type)
  }
  const target = json.target
  if (target !== 'release' && target !== 'embedded') {
    throw new UnexpectedJsonError('/target', '"release" or "embedded"', target)
  }
  const artifacts = readArtifacts(json.artifacts, '/artifacts')
  const content = target === 'release' ? readReleaseContent(json.content, artifacts) : null
  if (target === 'embedded' && artifacts.length > 0) {
    throw new UnexpectedJsonError('/artifacts', 'no artifacts, as the target is embedded', json.artifacts)
  }
  if (target === 'embedded' && json.content !== undefined) {
    throw new UnexpectedJsonError('/content', 'no content, as the target is embedded', json.content)
  }
  const version = readString(json.version, '/version')
  if (target === 'embedded' && version !== 'embedded') {
    throw new UnexpectedJsonError('/version', '"embedded", as that is the target', version)
  }
  const sequence = readInteger(json.sequence, '/sequence', 1)
  const floor = readInteger(json.floor, '/floor', 0)
  // Such a release would be below its own floor, and nothing could ever be offered again.
  if (floor > sequence) throw new UnexpectedJsonError('/floor', `at most the sequence, ${sequence}`, floor)
  return {
    type,
    appId: readString(json.appId, '/appId'),
    platform: readPlatform(json.platform, '/platform'),
    target,
    version,
    sequence,
    floor,
    requirement: readRequirement(json.requirement),
    content,
    artifacts,
    createdAt: readString(json.createdAt, '/createdAt'),
  }
}

const CREATED_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/
/** What a date and the whole seconds of a time are written in. */
const TO_THE_SECOND = 19

/**
 * Engine §4: when a statement says that it was signed, in milliseconds since 1970. Null for every other way to write a
 * time, and for a 30th of February or an hour 24: not all engines read those alike.
 */
export function statementTime({ createdAt }: Pick<ReleaseStatement, 'createdAt'>): number | null {
  const time = CREATED_AT.test(createdAt) ? Date.parse(createdAt) : Number.NaN
  if (Number.isNaN(time)) return null
  const isSame = new Date(time).toISOString().slice(0, TO_THE_SECOND) === createdAt.slice(0, TO_THE_SECOND)
  return isSame ? time : null
}

/** @throws UnexpectedJsonError */
export function readRequirement(value: unknown, pointer = '/requirement'): Requirement {
  const json = readObject(value, pointer)
  const text = (name: string) => readOptional(json[name], (found) => readString(found, `${pointer}/${name}`))
  return writeRequirement({
    minNativeVersion: text('minNativeVersion'),
    nativeRange: text('nativeRange'),
    runtimeVersion: text('runtimeVersion'),
    minOsVersion: text('minOsVersion'),
    architectures: readOptional(json.architectures, (found) => readArchitectures(found, `${pointer}/architectures`)),
  })
}

function readArchitectures(value: unknown, pointer: string): string[] {
  const names = readArray(value, pointer, MAX_ARCHITECTURES)
  if (names.length === 0) throw new UnexpectedJsonError(pointer, 'at least one architecture', value)
  return names.map((name, index) => readString(name, `${pointer}/${index}`))
}

/** Leaves out what is not required: an absent field and an undefined one are the same text. */
function writeRequirement(requirement: { [Name in keyof Requirement]?: Requirement[Name] | undefined }): Requirement {
  const asked = REQUIREMENT_NAMES.flatMap((name) => {
    const { [name]: value } = requirement
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(asked) as Requirement
}
