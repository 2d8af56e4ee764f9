import { readArray, readInteger, readObject, readOptional, readString, UnexpectedJsonError } from './json-reader.ts'
import { isPlatform, PLATFORMS, type Platform } from './platforms.ts'
import type { Requirement } from './requirement.ts'

/** The first field of every statement, so that a signature can never pass for one over something else. */
export const RELEASE_STATEMENT_TYPE = 'hotpatch.release.v1'

/** Signing §4: a device refuses longer statements unread. */
export const MAX_STATEMENT_BYTES = 64 * 1024

export interface StatementArtifact {
  /** What the bytes are to the release, such as "bundle.zip". */
  name: string
  /** Lower-case hex of the SHA-256 of exactly these bytes. */
  sha256: string
  sizeBytes: number
}

/**
 * Signing §1: what a publisher signs. All that a device decides on lies inside the signature.
 * A roll-back is the same content stated again under a higher sequence; `target: "embedded"` sends
 * devices back to what their binary shipped with and names no artifacts.
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
  artifacts: readonly StatementArtifact[]
  /** ISO 8601 in UTC. Decides for devices that know when their binary was built (Engine §4), else it is for people. */
  createdAt: string
}

export type NewReleaseStatement = Omit<ReleaseStatement, 'type'>

const SHA256 = /^[0-9a-f]{64}$/
const MAX_ARTIFACTS = 200

/** Signing §2: the text whose UTF-8 bytes are signed, stored and sent, unchanged for ever. */
export function writeReleaseStatement(statement: NewReleaseStatement): string {
  const { appId, platform, target, version, sequence, floor, requirement, artifacts, createdAt } = statement
  return JSON.stringify({
    type: RELEASE_STATEMENT_TYPE,
    appId,
    platform,
    target,
    version,
    sequence,
    floor,
    requirement: writeRequirement(requirement),
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
  const artifacts = readArtifacts(json.artifacts)
  if (target === 'release' && artifacts.length === 0) {
    throw new UnexpectedJsonError('/artifacts', 'at least one artifact', json.artifacts)
  }
  if (target === 'embedded' && artifacts.length > 0) {
    throw new UnexpectedJsonError('/artifacts', 'no artifacts, as the target is embedded', json.artifacts)
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
    platform: readPlatform(json.platform),
    target,
    version,
    sequence,
    floor,
    requirement: readRequirement(json.requirement),
    artifacts,
    createdAt: readString(json.createdAt, '/createdAt'),
  }
}

const CREATED_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/

/**
 * Engine §4: when a statement says that it was signed, in milliseconds since 1970. Null for every other way to write a
 * time: not all engines read those alike.
 */
export function statementTime({ createdAt }: Pick<ReleaseStatement, 'createdAt'>): number | null {
  const time = CREATED_AT.test(createdAt) ? Date.parse(createdAt) : Number.NaN
  return Number.isNaN(time) ? null : time
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw Object.assign(new UnexpectedJsonError('', 'JSON', text), { cause })
  }
}

function readPlatform(value: unknown): Platform {
  if (!isPlatform(value)) throw new UnexpectedJsonError('/platform', `one of ${PLATFORMS.join(', ')}`, value)
  return value
}

function readArtifacts(value: unknown): StatementArtifact[] {
  const artifacts = readArray(value, '/artifacts', MAX_ARTIFACTS).map(readArtifact)
  const names = new Set<string>()
  for (const [index, { name }] of artifacts.entries()) {
    // Two readers must not take different bytes for the same thing.
    if (names.has(name)) throw new UnexpectedJsonError(`/artifacts/${index}/name`, 'a name of its own', name)
    names.add(name)
  }
  return artifacts
}

function readArtifact(value: unknown, index: number): StatementArtifact {
  const pointer = `/artifacts/${index}`
  const json = readObject(value, pointer)
  return {
    name: readString(json.name, `${pointer}/name`),
    sha256: readString(json.sha256, `${pointer}/sha256`, { pattern: SHA256, expected: '64 lower-case hex digits' }),
    sizeBytes: readInteger(json.sizeBytes, `${pointer}/sizeBytes`, 0),
  }
}

function readRequirement(value: unknown): Requirement {
  const json = readObject(value, '/requirement')
  const text = (name: string) => readOptional(json[name], (found) => readString(found, `/requirement/${name}`))
  return writeRequirement({
    minNativeVersion: text('minNativeVersion'),
    nativeRange: text('nativeRange'),
    runtimeVersion: text('runtimeVersion'),
  })
}

/** Leaves out what is not required: an absent field and an undefined one are the same text. */
function writeRequirement(requirement: { [Name in keyof Requirement]?: string | undefined }): Requirement {
  const { minNativeVersion, nativeRange, runtimeVersion } = requirement
  return {
    ...(minNativeVersion !== undefined && { minNativeVersion }),
    ...(nativeRange !== undefined && { nativeRange }),
    ...(runtimeVersion !== undefined && { runtimeVersion }),
  }
}
