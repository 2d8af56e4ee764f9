import {
  parseJson,
  readArray,
  readInteger,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import type { OfferSignature } from '../offers/offer-signatures.ts'

/** Kits §6: what an application keeps between two checks. Times in milliseconds since 1970. */
export interface CheckRecord {
  /** When the server was last asked; undefined: never. */
  lastCheckAt: number | undefined
  /** When it could last not be reached. */
  offlineAt: number | undefined
  /** The highest floor that a known key has signed (Signing §1). */
  floor: number
  /** What was last offered, to be verified again by whoever reads it; undefined: nothing, or nothing that was newer. */
  offer: KeptOffer | undefined
  /** By whichever application of the kit: who has put it off in one is asked by no other. */
  snoozed: { releaseId: string; at: number } | undefined
}

export interface KeptOffer {
  /** The channel that it was asked of. */
  channel: string
  manifestText: string
  signatures: readonly OfferSignature[]
}

export const NO_RECORD: CheckRecord = {
  lastCheckAt: undefined,
  offlineAt: undefined,
  floor: 0,
  offer: undefined,
  snoozed: undefined,
}

/** More applications than a kit has: the file stays small. */
const MAX_APPLICATIONS = 50
const MAX_SIGNATURES = 16
/** A record, with what was offered, is a tenth of it. */
export const MAX_CHECKS_TEXT = 8 * 1024 * 1024
const APPLICATION = /^[a-z0-9][a-z0-9._-]{0,63}$/

export function isApplicationName(name: string): boolean {
  return APPLICATION.test(name)
}

/** Of a text that is none of these, or of an application that is not in it: a record of nothing. It costs one check. */
export function readCheckRecord(text: string | undefined, application: string): CheckRecord {
  const { applications, snoozed } = readDocument(text)
  const found = applications.find(([name]) => name === application)?.[1]
  return {
    ...(orNothing(() => found !== undefined && readRecord(found)) || NO_RECORD),
    snoozed: orNothing(() => readOptional(snoozed, readSnoozed)),
  }
}

/** The text with one application's record replaced, and all others as they were. */
export function writeCheckRecord(text: string | undefined, application: string, record: CheckRecord): string {
  const others = readDocument(text).applications.filter(([name]) => name !== application)
  const kept = others.slice(-(MAX_APPLICATIONS - 1))
  const applications = Object.fromEntries([...kept, [application, documentOf(record)]])
  const { snoozed } = record
  const putOff = snoozed && { release_id: snoozed.releaseId, at: writeTime(snoozed.at) }
  return `${JSON.stringify({ schema_version: 1, snoozed: putOff, applications }, null, 2)}\n`
}

function readDocument(text: string | undefined): { applications: [string, unknown][]; snoozed?: unknown } {
  if (text === undefined || text.length > MAX_CHECKS_TEXT) return { applications: [] }
  const read = () => {
    const { schema_version: version, applications, snoozed } = readObject(parseJson(text), '')
    if (version !== 1) return undefined
    const named = Object.entries(readObject(applications, '/applications'))
    return { applications: named.filter(([name]) => isApplicationName(name)), snoozed }
  }
  return orNothing(read) ?? { applications: [] }
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return undefined
    throw error
  }
}

function readRecord(value: unknown): Omit<CheckRecord, 'snoozed'> {
  const json = readObject(value, '')
  return {
    lastCheckAt: readOptional(json.last_check_at, (found) => readTime(found, '/last_check_at')),
    offlineAt: readOptional(json.offline_at, (found) => readTime(found, '/offline_at')),
    floor: readOptional(json.floor, (found) => readInteger(found, '/floor', 0)) ?? 0,
    offer: readOptional(json.offer, readKeptOffer),
  }
}

function readSnoozed(value: unknown): CheckRecord['snoozed'] {
  const snoozed = readObject(value, '/snoozed')
  return {
    releaseId: readString(snoozed.release_id, '/snoozed/release_id'),
    at: readTime(snoozed.at, '/snoozed/at'),
  }
}

function readKeptOffer(value: unknown): KeptOffer {
  const json = readObject(value, '/offer')
  return {
    channel: readString(json.channel, '/offer/channel'),
    manifestText: readString(json.manifest, '/offer/manifest'),
    signatures: readArray(json.signatures, '/offer/signatures', MAX_SIGNATURES).map((each) => {
      const { scheme, value, keyId } = readObject(each, '/offer/signatures')
      if (scheme !== 'ed25519' && scheme !== 'minisign') {
        throw new UnexpectedJsonError('/offer/signatures', 'a known scheme', scheme)
      }
      return {
        scheme,
        keyId: readOptional(keyId, (found) => readString(found, '/offer/signatures')),
        value: readString(value, '/offer/signatures'),
      }
    }),
  }
}

function documentOf({ lastCheckAt, offlineAt, floor, offer }: CheckRecord) {
  return {
    last_check_at: lastCheckAt === undefined ? undefined : writeTime(lastCheckAt),
    offline_at: offlineAt === undefined ? undefined : writeTime(offlineAt),
    floor,
    offer: offer && { channel: offer.channel, manifest: offer.manifestText, signatures: offer.signatures },
  }
}

function readTime(value: unknown, pointer: string): number {
  const time = Date.parse(readString(value, pointer))
  if (Number.isNaN(time)) throw new UnexpectedJsonError(pointer, 'a time in ISO 8601', value)
  return time
}

function writeTime(time: number): string {
  return new Date(time).toISOString()
}
