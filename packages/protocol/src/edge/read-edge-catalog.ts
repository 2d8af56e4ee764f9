import { readAttributeRules } from '../attribute-rules.ts'
import type { BucketRule } from '../buckets.ts'
import type { AudienceSlice, RolloutState } from '../catalog.ts'
import {
  parseJson,
  readArray,
  readInteger,
  readObject,
  readSha256,
  readString,
  UnexpectedJsonError,
} from '../json-reader.ts'
import { readPlatform } from '../platforms.ts'
import { readRequirement } from '../release-statement.ts'
import {
  EDGE_CATALOG_TYPE,
  MAX_EDGE_ROLLOUTS,
  type EdgeAudience,
  type EdgeCatalog,
  type EdgeOffer,
  type EdgeRelease,
  type EdgeRestatement,
  type EdgeRollout,
  type EdgeStatement,
} from './edge-catalog.ts'

/**
 * After its bytes were held against the SHA-256 and the size of a verified pointer. Fields that it does not know are
 * ignored.
 * @throws UnexpectedJsonError
 */
export function readEdgeCatalog(text: string): EdgeCatalog {
  const json = readObject(parseJson(text), '')
  if (json.type !== EDGE_CATALOG_TYPE) {
    throw new UnexpectedJsonError('/type', JSON.stringify(EDGE_CATALOG_TYPE), json.type)
  }
  const releases = readArray(json.releases, '/releases', MAX_EDGE_ROLLOUTS).map(readRelease)
  const byId = new Map(releases.map((release) => [release.id, release]))
  if (byId.size !== releases.length) throw new UnexpectedJsonError('/releases', 'no id twice', json.releases)
  return {
    appId: readShort(json.appId, '/appId'),
    platform: readPlatform(json.platform, '/platform'),
    channel: readShort(json.channel, '/channel'),
    floor: readInteger(json.floor, '/floor', 0),
    releases,
    rollouts: readArray(json.rollouts, '/rollouts', MAX_EDGE_ROLLOUTS + 1).map((each, index) =>
      readRollout(each, `/rollouts/${index}`, byId),
    ),
  }
}

function readRelease(value: unknown, index: number): EdgeRelease {
  const pointer = `/releases/${index}`
  const json = readObject(value, pointer)
  return {
    id: readShort(json.id, `${pointer}/id`),
    version: readShort(json.version, `${pointer}/version`),
    sequence: readInteger(json.sequence, `${pointer}/sequence`, 0),
    requirement: readRequirement(json.requirement, `${pointer}/requirement`),
    floor: readInteger(json.floor, `${pointer}/floor`, 0),
    keyId: readNullable(json.keyId, (id) => readShort(id, `${pointer}/keyId`)),
    isStated: readBoolean(json.isStated, `${pointer}/isStated`),
    statedAt: readNullable(json.statedAt, (at) => readInteger(at, `${pointer}/statedAt`, 0)),
    offer: readNullable(json.offer, (offer) => readOffer(offer, `${pointer}/offer`)),
  }
}

function readOffer(value: unknown, pointer: string): EdgeOffer {
  const json = readObject(value, pointer)
  return {
    sha256: readSha256(json.sha256, `${pointer}/sha256`),
    sizeBytes: readInteger(json.sizeBytes, `${pointer}/sizeBytes`, 1),
    signature: readNullable(json.signature, (text) => readString(text, `${pointer}/signature`)),
    stated: readStated(json.stated, `${pointer}/stated`),
    notes: readNullable(json.notes, (text) => readString(text, `${pointer}/notes`)),
  }
}

function readStated(value: unknown, pointer: string): EdgeStatement | null {
  return readNullable(value, (found) => {
    const json = readObject(found, pointer)
    return {
      statement: readString(json.statement, `${pointer}/statement`),
      statementSignature: readString(json.statementSignature, `${pointer}/statementSignature`),
    }
  })
}

function readRollout(value: unknown, pointer: string, releases: ReadonlyMap<string, EdgeRelease>): EdgeRollout {
  const json = readObject(value, pointer)
  const position = readInteger(json.position, `${pointer}/position`, 0)
  const mandatory = readBoolean(json.mandatory, `${pointer}/mandatory`)
  // What a later server says in another way, this device cannot judge: it asks.
  if (json.kind !== 'open') {
    const isOlder = readString(json.kind, `${pointer}/kind`) === 'older'
    return { kind: isOlder ? 'older' : 'asks-server', position, mandatory }
  }
  const state = readState(json.state, `${pointer}/state`)
  const target = readShort(json.target, `${pointer}/target`)
  const release = releases.get(target)
  if (target !== 'embedded' && !release) {
    throw new UnexpectedJsonError(`${pointer}/target`, '"embedded", or the id of one of the releases', target)
  }
  if (release?.offer === null && (state === 'active' || state === 'paused')) {
    throw new UnexpectedJsonError(`${pointer}/target`, 'a release with an offer', target)
  }
  return {
    kind: 'open',
    id: readShort(json.id, `${pointer}/id`),
    position,
    target,
    state,
    hasStarted: readBoolean(json.hasStarted, `${pointer}/hasStarted`),
    mandatory,
    mandatoryBelow: readNullable(json.mandatoryBelow, (text) => readShort(text, `${pointer}/mandatoryBelow`)),
    audience: readAudience(json.audience, `${pointer}/audience`),
    restated: readNullable(json.restated, (restated) => readRestatement(restated, `${pointer}/restated`)),
  }
}

function readState(value: unknown, pointer: string): RolloutState {
  if (value === 'active' || value === 'paused' || value === 'halted' || value === 'withdrawn') return value
  throw new UnexpectedJsonError(pointer, 'active, paused, halted or withdrawn', value)
}

function readAudience(value: unknown, pointer: string): EdgeAudience {
  const json = readObject(value, pointer)
  return {
    percentage: readPercentage(json.percentage, `${pointer}/percentage`),
    salt: readText(json.salt, `${pointer}/salt`),
    buckets: readBuckets(json.buckets, `${pointer}/buckets`),
    rules: readAttributeRules(json.rules, `${pointer}/rules`),
    slice: readNullable(json.slice, (slice) => readSlice(slice, `${pointer}/slice`)),
  }
}

function readPercentage(value: unknown, pointer: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 100) return value
  throw new UnexpectedJsonError(pointer, 'a number from 0 to 100', value)
}

function readBuckets(value: unknown, pointer: string): BucketRule {
  if (value === 100 || value === 1_000 || value === 10_000 || value === 'code-push') return value
  throw new UnexpectedJsonError(pointer, '100, 1000, 10000 or "code-push"', value)
}

function readSlice(value: unknown, pointer: string): AudienceSlice {
  const json = readObject(value, pointer)
  return {
    salt: readText(json.salt, `${pointer}/salt`),
    from: readInteger(json.from, `${pointer}/from`, 0),
    to: readInteger(json.to, `${pointer}/to`, 0),
  }
}

function readRestatement(value: unknown, pointer: string): EdgeRestatement {
  const json = readObject(value, pointer)
  return {
    sequence: readInteger(json.sequence, `${pointer}/sequence`, 1),
    floor: readInteger(json.floor, `${pointer}/floor`, 0),
    keyId: readNullable(json.keyId, (id) => readShort(id, `${pointer}/keyId`)),
    statedAt: readNullable(json.statedAt, (at) => readInteger(at, `${pointer}/statedAt`, 0)),
    stated: readStated(json.stated, `${pointer}/stated`),
  }
}

// These name files and fill lists on the device.
const SHORT = { pattern: /^[^\0]{1,200}$/, expected: 'a short text' }

function readShort(value: unknown, pointer: string): string {
  return readString(value, pointer, SHORT)
}

function readText(value: unknown, pointer: string): string {
  return readString(value, pointer, { pattern: /^[^\0]{0,200}$/, expected: 'a short text, or none' })
}

function readBoolean(value: unknown, pointer: string): boolean {
  if (typeof value !== 'boolean') throw new UnexpectedJsonError(pointer, 'true or false', value)
  return value
}

function readNullable<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value)
}
