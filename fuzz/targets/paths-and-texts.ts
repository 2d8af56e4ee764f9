import {
  comparePaths,
  extensionOf,
  filePathFault,
  findPathConflict,
  foldFilePath,
  readChecksum,
  textFromUtf8,
  utf8FromText,
} from '@hotpatch/protocol'
import { decodeWord } from '../../packages/server/src/ground/http/address-table.ts'
import { mayLeadTo, resolveLocation } from '../../packages/device-ground/src/addresses.ts'
import { Broken, type Target } from '../engine/target.ts'
import { forEachReader, readerFor, textOf } from '../reading/texts.ts'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const READERS: readonly ((bytes: Uint8Array) => unknown)[] = [
  (bytes) => {
    const read = textFromUtf8(bytes)
    if (read !== decoded(bytes)) throw new Broken('UTF-8 that is read otherwise than the platform reads it')
    if (read !== undefined && Buffer.compare(utf8FromText(read), bytes) !== 0)
      throw new Broken('UTF-8 that is written otherwise')
  },
  (bytes) => {
    const path = textOf(bytes)
    if (filePathFault(path)) return
    if (path.split('/').some((part) => part === '..' || part === '.') || path.startsWith('/') || /[\\\0]/.test(path)) {
      throw new Broken('a path that leads elsewhere')
    }
    foldFilePath(path)
    extensionOf(path)
  },
  (bytes) => {
    const paths = textOf(bytes).split('\n')
    const conflict = findPathConflict(paths)
    const folded = paths.map((path) => foldFilePath(path))
    if (!conflict && new Set(folded).size < folded.length) throw new Broken('two files at one place')
  },
  (bytes) => {
    const [a = '', b = ''] = textOf(bytes).split('\n')
    const order = comparePaths({ path: a }, { path: b })
    if (Math.sign(order) !== Math.sign(Buffer.compare(Buffer.from(a.toWellFormed()), Buffer.from(b.toWellFormed())))) {
      throw new Broken('another order than that of bytes')
    }
  },
  (bytes) => [readChecksum(textOf(bytes)), decodeWord(textOf(bytes))],
  (bytes) => {
    const led = resolveLocation('https://updates.example.com/base', textOf(bytes))
    if (
      led !== undefined &&
      URL.canParse(led) &&
      mayLeadTo('https://updates.example.com/base', led, true) &&
      new URL(led).protocol !== 'https:'
    ) {
      throw new Broken('a redirect out of encryption')
    }
  },
]

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

export const target: Target = {
  reads: 'UTF-8, paths of files, their order and conflicts, words of addresses',
  maxBytes: 600,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    return read(bytes)
  },
  refuses: () => false,
}

export function seeds() {
  const texts = [
    'assets/logo.png',
    'a/b\nA/b\na',
    'ä😀\u0301',
    'con.txt',
    '../x',
    'a\\b',
    '%41%20',
    'straße/İ',
    'sha256-abc=',
    'a'.repeat(64),
    '/artifacts/x?y#z',
    '//elsewhere.example/x',
  ]
  return forEachReader(READERS.length, texts)
}
