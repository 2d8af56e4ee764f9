import type { CryptoPort } from '@hotpatch/device-ground'
import { hexFromBytes, textFromUtf8, UnexpectedJsonError, utf8FromText } from '@hotpatch/protocol'
import type { KitDisk } from '../ground/kit-disk.ts'
import { folderOf } from '../ground/durable-files.ts'
import { KitError } from '../ground/kit-error.ts'
import { readRecord, writeRecord, type JournalRecord } from './journal-record.ts'

/** Kits §8.3: more than any apply writes. */
export const MAX_JOURNAL_BYTES = 1024 * 1024
/** Of one line. */
export const MAX_RECORD_BYTES = 8 * 1024

const BEFORE_SEAL = '{"seal":"'
const BEFORE_RECORD = '","record":'
const SEAL_LENGTH = 64
const NEWLINE = 0x0a

type Sha256 = Pick<CryptoPort, 'sha256'>

export interface ReadJournal {
  records: readonly JournalRecord[]
  /** Of the last record; the transaction's id before the first. */
  seal: string
  /** Up to the end of the last record. What lies behind is the torn rest of one that nothing has relied on. */
  keptBytes: number
}

export interface Journal {
  records(): readonly JournalRecord[]
  /** Durable when it resolves. @throws KitError storage-full, storage-failed */
  append(record: JournalRecord): Promise<void>
  /** Whether it is unknown what the disk has of the last record: then nothing may be done that relies on it. */
  isLost(): boolean
}

/** The seal of a record stands for it, for all before it, and for whose journal it is. */
export async function sealOf(crypto: Sha256, previous: string, record: string): Promise<string> {
  const hasher = crypto.sha256()
  hasher.update(utf8FromText(`${previous}\n${record}`))
  return hexFromBytes(await hasher.digest())
}

/**
 * Kits §8.3: a last record that did not come whole is as if it had never been, because nothing is done before a record is
 * durable. Everything else that is not as it was written is damage, of which nothing is guessed.
 * @throws KitError journal-damaged
 */
export async function readJournal(crypto: Sha256, bytes: Uint8Array, transaction: string): Promise<ReadJournal> {
  if (bytes.length > MAX_JOURNAL_BYTES) throw damaged(transaction, 0, `more than ${MAX_JOURNAL_BYTES} bytes`)
  const records: JournalRecord[] = []
  let seal = transaction
  let keptBytes = 0
  while (keptBytes < bytes.length) {
    const end = bytes.indexOf(NEWLINE, keptBytes)
    const line = bytes.subarray(keptBytes, end < 0 ? bytes.length : end)
    const isLast = end < 0 || end === bytes.length - 1
    const read = end < 0 ? 'torn' : await readLine(crypto, line, seal)
    if (typeof read === 'string') {
      // The end of a line is written last, but a block of it may be missing: that reads as zeros.
      if (isLast && line.length <= MAX_RECORD_BYTES && (end < 0 || line.includes(0))) break
      throw damaged(transaction, records.length + 1, read)
    }
    records.push(read.record)
    seal = read.seal
    keptBytes = end + 1
  }
  return { records, seal, keptBytes }
}

/** Why not, in words, where it is no record. */
async function readLine(
  crypto: Sha256,
  line: Uint8Array,
  previous: string,
): Promise<{ record: JournalRecord; seal: string } | string> {
  if (line.length > MAX_RECORD_BYTES) return `a line of more than ${MAX_RECORD_BYTES} bytes`
  const text = textFromUtf8(line)
  const recordAt = BEFORE_SEAL.length + SEAL_LENGTH + BEFORE_RECORD.length
  if (!text?.startsWith(BEFORE_SEAL) || !text.endsWith('}')) return 'no sealed record'
  const seal = text.slice(BEFORE_SEAL.length, BEFORE_SEAL.length + SEAL_LENGTH)
  if (text.slice(BEFORE_SEAL.length + SEAL_LENGTH, recordAt) !== BEFORE_RECORD) return 'no sealed record'
  const written = text.slice(recordAt, -1)
  if (seal !== (await sealOf(crypto, previous, written))) return 'a seal that does not fit'
  try {
    return { record: readRecord(written), seal }
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.message
    throw error
  }
}

/** @throws KitError journal-damaged */
export async function openJournal(
  { disk, crypto }: { disk: KitDisk; crypto: Sha256 },
  path: string,
  transaction: string,
): Promise<Journal> {
  const stat = await disk.stat(path)
  if (stat && (stat.kind !== 'file' || stat.sizeBytes > MAX_JOURNAL_BYTES)) {
    throw damaged(transaction, 0, `no file of at most ${MAX_JOURNAL_BYTES} bytes`)
  }
  const read = await readJournal(crypto, (await disk.read(path)) ?? new Uint8Array(), transaction)
  const records = [...read.records]
  let { seal, keptBytes } = read
  let isNamed = stat !== undefined
  let isLost = false

  async function write(line: Uint8Array): Promise<void> {
    await disk.append(path, keptBytes, line)
    await disk.sync(path)
    if (isNamed) return
    await disk.syncDirectory(folderOf(path))
    isNamed = true
  }

  /** A record that could not be made durable must not be found either. */
  async function takeOff(): Promise<void> {
    try {
      await disk.append(path, keptBytes, new Uint8Array())
      await disk.sync(path)
    } catch {
      // Told by isLost(): whoever starts next reads what there is.
      isLost = true
    }
  }

  return {
    records: () => records,
    isLost: () => isLost,
    async append(record) {
      if (isLost)
        throw new KitError('storage-failed', 'The journal could not be written, and is read anew at the next start.')
      const written = writeRecord(record)
      const next = await sealOf(crypto, seal, written)
      const line = utf8FromText(`${BEFORE_SEAL}${next}${BEFORE_RECORD}${written}}\n`)
      if (keptBytes + line.length > MAX_JOURNAL_BYTES || line.length > MAX_RECORD_BYTES) {
        throw new KitError('storage-full', `The journal of ${transaction} has no room for another record.`)
      }
      try {
        await write(line)
      } catch (error) {
        await takeOff()
        throw error
      }
      records.push(record)
      seal = next
      keptBytes += line.length
    },
  }
}

function damaged(transaction: string, line: number, found: string): KitError {
  const where = line === 0 ? '' : ` in line ${line}`
  return new KitError(
    'journal-damaged',
    `Expected the journal of the apply ${transaction} as it was written, found${where} ${found}. Nothing is done, because ` +
      'it is not known how far that apply came: put each component right by hand, then remove .kit/current.',
  )
}
