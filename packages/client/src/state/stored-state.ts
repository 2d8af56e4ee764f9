import { readArray, readInteger, readObject, readString, SDK_CODES, type SdkCode } from '@hotpatch/protocol'
import { readBinary, type Binary } from '../ground/binary.ts'
import { readOneOf } from '../ground/read-one-of.ts'
import { readReports, type Report } from '../ground/report.ts'

/** What identifies a release on a device: the server's id together with the bytes. */
export interface InstalledRelease {
  releaseId: string
  version: string
  /** From the publisher's statement; 0 when the app is not signed. */
  sequence: number
  /** Of the archive it came from. */
  sha256: string
  /** Of files: the path of the one that is run first, where the list names one. */
  launch?: string
}

export interface ActiveRelease extends InstalledRelease {
  standing: 'probation' | 'confirmed'
}

/** Where the next start takes its release from; `embedded` has none. */
export type Source = { from: 'pending' | 'previous'; release: InstalledRelease } | { from: 'embedded'; release: null }

/**
 * Engine §6: the intent of a change in ota/bundle, written before the first rename and removed after the last,
 * so that a start after a crash completes it. Carrying it out twice is the same as once.
 */
export type Move = Source & {
  why: 'update' | 'server-order' | 'not-confirmed' | 'crashed' | 'crashed-after-confirm' | 'damaged' | 'binary-changed'
  /** What is in ota/bundle was confirmed, and becomes ota/previous. */
  keepsCurrent: boolean
}

export interface RememberedRelease {
  releaseId: string
  sequence: number
  sha256: string
  code: SdkCode
}

/** Both Content §3.1. */
export interface PatchIdentity {
  baseTree: string
  tree: string
}

/** ota/metadata.json: every change of it is one atomic write, together with what it has to report. */
export interface StoredState {
  /** Which it was written for. */
  binary: Binary
  /** What this binary runs says that it is ready at every start, and not only on probation. */
  tellsReady: boolean
  active: ActiveRelease | null
  previous: InstalledRelease | null
  staged: Source | null
  move: Move | null
  /** Whose download was begun and is not staged yet: its beginning is told once, however often it is resumed. */
  fetching: Identity | null
  /** The highest sequence that proved itself here. Never falls. */
  highWater: number
  /** Never falls; nothing below it is gone back to. */
  floor: number
  /** Never tried again on this device. */
  failed: readonly RememberedRelease[]
  /** Refused before anything was downloaded; remembered so that each is reported once. */
  refused: readonly RememberedRelease[]
  /** From one tree to another: did not work here, and the whole bundle is taken instead. */
  failedPatches: readonly PatchIdentity[]
  /** On their way into ota/outbox.json. */
  unreported: readonly Report[]
}

export function freshState(binary: Binary): StoredState {
  return {
    binary,
    tellsReady: false,
    active: null,
    previous: null,
    staged: null,
    move: null,
    fetching: null,
    highWater: 0,
    floor: 0,
    failed: [],
    refused: [],
    failedPatches: [],
    unreported: [],
  }
}

export type Identity = Pick<InstalledRelease, 'releaseId' | 'sha256'>

export function isSameRelease(a: Identity | null | undefined, b: Identity | null | undefined): boolean {
  return !!a && !!b && a.releaseId === b.releaseId && a.sha256 === b.sha256
}

/** By id, or by what the publisher signed: another id from the server does not make it another release. */
export function isRemembered(
  remembered: readonly RememberedRelease[],
  release: Omit<InstalledRelease, 'version'>,
  code?: SdkCode,
): boolean {
  return remembered.some(
    (entry) =>
      (code === undefined || entry.code === code) &&
      (entry.releaseId === release.releaseId ||
        (entry.sequence > 0 && entry.sequence === release.sequence && entry.sha256 === release.sha256)),
  )
}

/** @throws UnexpectedJsonError */
export function readStoredState(value: unknown): StoredState {
  const json = readObject(value, '')
  return {
    binary: readBinary(json.binary, '/binary'),
    tellsReady: json.tellsReady === true,
    active: readNullable(json.active, readActive),
    previous: readNullable(json.previous, readInstalledRelease),
    staged: readNullable(json.staged, readSource),
    move: readNullable(json.move, readMove),
    fetching: readNullable(json.fetching, readIdentity),
    highWater: readInteger(json.highWater, '/highWater', 0),
    floor: readInteger(json.floor, '/floor', 0),
    failed: readArray(json.failed, '/failed', MANY).map(readRemembered),
    refused: readArray(json.refused, '/refused', MANY).map(readRemembered),
    failedPatches: readArray(json.failedPatches, '/failedPatches', MANY).map(readPatchIdentity),
    unreported: readReports(json.unreported, '/unreported'),
  }
}

const MANY = 10_000

function readNullable<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value)
}

export function readInstalledRelease(value: unknown): InstalledRelease {
  const json = readObject(value, '/release')
  return {
    releaseId: readString(json.releaseId, '/releaseId'),
    version: readString(json.version, '/version'),
    sequence: readInteger(json.sequence, '/sequence', 0),
    sha256: readString(json.sha256, '/sha256'),
    ...(json.launch !== undefined && { launch: readString(json.launch, '/launch') }),
  }
}

function readIdentity(value: unknown): Identity {
  const json = readObject(value, '/fetching')
  return { releaseId: readString(json.releaseId, '/releaseId'), sha256: readString(json.sha256, '/sha256') }
}

function readPatchIdentity(value: unknown): PatchIdentity {
  const json = readObject(value, '/patch')
  return { baseTree: readString(json.baseTree, '/baseTree'), tree: readString(json.tree, '/tree') }
}

function readActive(value: unknown): ActiveRelease {
  const standing = readOneOf(readObject(value, '/active').standing, '/active/standing', ['probation', 'confirmed'])
  return { ...readInstalledRelease(value), standing }
}

function readSource(value: unknown): Source {
  const json = readObject(value, '/staged')
  const from = readOneOf(json.from, '/from', ['pending', 'previous', 'embedded'])
  return from === 'embedded' ? { from, release: null } : { from, release: readInstalledRelease(json.release) }
}

function readMove(value: unknown): Move {
  const json = readObject(value, '/move')
  const why = readOneOf(json.why, '/move/why', [
    'update',
    'server-order',
    'not-confirmed',
    'crashed',
    'crashed-after-confirm',
    'damaged',
    'binary-changed',
  ])
  return { ...readSource(value), why, keepsCurrent: json.keepsCurrent === true }
}

function readRemembered(value: unknown): RememberedRelease {
  const json = readObject(value, '/remembered')
  return {
    releaseId: readString(json.releaseId, '/releaseId'),
    sequence: readInteger(json.sequence, '/sequence', 0),
    sha256: readString(json.sha256, '/sha256'),
    code: readOneOf(json.code, '/code', Object.keys(SDK_CODES) as SdkCode[]),
  }
}
