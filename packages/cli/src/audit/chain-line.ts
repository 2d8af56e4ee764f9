import type { AuditLine, AuditRecord } from '@hotpatch/api'
import { readInteger, readObject, readSha256, readString, UnexpectedJsonError } from '@hotpatch/protocol'

const ANY_TEXT = { pattern: /^[^]{0,200}$/, expected: 'at most 200 characters' }

/**
 * Reads what frames an entry. What is in the entry itself is not looked at: its hash says whether it is as it was.
 * @returns what is wrong with a line that is none
 */
export function readChainLine(value: unknown): AuditLine | string {
  try {
    return read(value)
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.message
    throw error
  }
}

function read(value: unknown): AuditLine {
  const json = readObject(value, '')
  if (json.kind === 'entry') {
    return {
      kind: 'entry',
      position: readInteger(json.position, '/position', 1),
      previousHash: readSha256(json.previousHash, '/previousHash'),
      hash: readSha256(json.hash, '/hash'),
      entryId: readString(json.entryId, '/entryId', ANY_TEXT),
      entry: json.entry === null ? null : readEntry(json.entry),
    }
  }
  if (json.kind === 'unsealed') return { kind: 'unsealed', entry: readEntry(json.entry) }
  if (json.kind !== 'end') throw new UnexpectedJsonError('/kind', 'entry, unsealed or end', json.kind)
  return {
    kind: 'end',
    after: readInteger(json.after, '/after', 0),
    position: readInteger(json.position, '/position', 0),
    hash: readSha256(json.hash, '/hash'),
    waiting: readInteger(json.waiting, '/waiting', 0),
    filtered: json.filtered === true,
    at: readString(json.at, '/at', ANY_TEXT),
  }
}

function readEntry(value: unknown): AuditRecord {
  const entry = readObject(value, '/entry')
  readString(entry.id, '/entry/id', ANY_TEXT)
  return entry as AuditRecord
}
