import { readArray, readInteger, readObject, readString, type EdgeEnvelope } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { readJson, writeJson } from '../ground/json-file.ts'
import { EDGE, ROOT } from '../state/storage-layout.ts'

/** Static edge §8: the newest word of one channel that was believed. */
export interface EdgeMark {
  platform: string
  channel: string
  /** Of the key document: another one begins anew. */
  keysVersion: number
  generation: number
  issuedAt: number
}

/** ota/edge.json. */
export interface EdgeMemory {
  /** As a publisher has signed it; null: none was taken. */
  keys: EdgeEnvelope | null
  /** Never falls, whatever becomes of the document. */
  keysVersion: number
  marks: readonly EdgeMark[]
}

/** A device that changes its channel now and then keeps the newest. */
const MAX_MARKS = 20
const MAX_SIGNATURES = 10

const NOTHING: EdgeMemory = { keys: null, keysVersion: 0, marks: [] }

export async function readEdgeMemory(files: FilesPort): Promise<EdgeMemory> {
  return (await readJson(files, EDGE, readMemory)) ?? NOTHING
}

export async function writeEdgeMemory(files: FilesPort, memory: EdgeMemory): Promise<void> {
  await files.makeDirectory(ROOT)
  // A device that has stored nothing else yet: the power must not take the folder with all that is in it.
  await files.syncDirectory('')
  await writeJson(files, EDGE, { ...memory, marks: memory.marks.slice(-MAX_MARKS) })
}

/** With `mark` in the place of what was known of its channel. */
export function withMark(memory: EdgeMemory, mark: EdgeMark): EdgeMemory {
  const others = memory.marks.filter((each) => each.platform !== mark.platform || each.channel !== mark.channel)
  return { ...memory, marks: [...others, mark] }
}

function readMemory(value: unknown): EdgeMemory {
  const json = readObject(value, '')
  return {
    keys: json.keys === null ? null : readKeys(json.keys),
    keysVersion: readInteger(json.keysVersion, '/keysVersion', 0),
    marks: readArray(json.marks, '/marks', MAX_MARKS).map(readMark),
  }
}

function readKeys(value: unknown): EdgeEnvelope {
  const json = readObject(value, '/keys')
  const signatures = readArray(json.signatures, '/keys/signatures', MAX_SIGNATURES)
  return {
    payload: readString(json.payload, '/keys/payload'),
    signatures: signatures.map((each) => readString(each, '/keys/signatures')),
  }
}

function readMark(value: unknown): EdgeMark {
  const json = readObject(value, '/mark')
  return {
    platform: readString(json.platform, '/mark/platform'),
    channel: readString(json.channel, '/mark/channel'),
    keysVersion: readInteger(json.keysVersion, '/mark/keysVersion', 1),
    generation: readInteger(json.generation, '/mark/generation', 1),
    issuedAt: readInteger(json.issuedAt, '/mark/issuedAt', 0),
  }
}
