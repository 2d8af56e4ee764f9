import type { Comparison } from './probes.ts'
import type { Random } from './random.ts'

/** What mutations take from: other inputs, words of the program, and what the program compared. */
export interface Material {
  inputs: readonly Uint8Array[]
  words: readonly Uint8Array[]
  comparisons: readonly Comparison[]
  maxBytes: number
}

type Mutation = (bytes: Uint8Array, random: Random, material: Material) => Uint8Array

const MAX_STACKED = 6

/** One to six changes, one on top of the other. */
export function mutate(bytes: Uint8Array, random: Random, material: Material): Uint8Array {
  let mutated = bytes
  const times = 1 + random.below(random.below(MAX_STACKED) + 1)
  for (let time = 0; time < times; time++) mutated = random.oneOf(MUTATIONS)(mutated, random, material)
  return mutated.length > material.maxBytes ? mutated.slice(0, material.maxBytes) : mutated
}

function spliced(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - removed + added.length)
  result.set(bytes.subarray(0, at))
  result.set(added, at)
  result.set(bytes.subarray(at + removed), at + added.length)
  return result
}

const NOTHING = new Uint8Array(0)

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  if (bytes.length === 0) return bytes
  const copy = bytes.slice()
  change(copy)
  return copy
}

/** Short stretches far more often than long ones. */
function stretch(length: number, random: Random): { at: number; size: number } {
  const at = random.below(length)
  const most = length - at
  return { at, size: 1 + random.below(Math.min(most, random.below(4) === 0 ? most : 8)) }
}

const flipBit: Mutation = (bytes, random) =>
  changed(bytes, (copy) => {
    const at = random.below(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
  })

const setByte: Mutation = (bytes, random) =>
  changed(bytes, (copy) => {
    copy[random.below(copy.length)] = random.below(256)
  })

const addToByte: Mutation = (bytes, random) =>
  changed(bytes, (copy) => {
    const at = random.below(copy.length)
    copy[at] = (copy[at] ?? 0) + random.below(33) - 16
  })

const TEXT = Buffer.from(' \t\r\n"\'\\/{}[]()<>,:;=&%+-_.*?!@#$^~|`0123456789abcxyzABCXYZ')

const setCharacter: Mutation = (bytes, random) =>
  changed(bytes, (copy) => {
    copy[random.below(copy.length)] = random.oneOf(TEXT)
  })

const insertCharacter: Mutation = (bytes, random) =>
  spliced(bytes, random.below(bytes.length + 1), 0, Uint8Array.of(random.oneOf(TEXT)))

const remove: Mutation = (bytes, random) => {
  if (bytes.length === 0) return bytes
  const { at, size } = stretch(bytes.length, random)
  return spliced(bytes, at, size, NOTHING)
}

const repeat: Mutation = (bytes, random) => {
  if (bytes.length === 0) return bytes
  const { at, size } = stretch(bytes.length, random)
  return spliced(bytes, at, 0, bytes.subarray(at, at + size))
}

const copyElsewhere: Mutation = (bytes, random) => {
  if (bytes.length === 0) return bytes
  const { at, size } = stretch(bytes.length, random)
  const piece = bytes.slice(at, at + size)
  return changed(bytes, (copy) => copy.set(piece.subarray(0, copy.length), random.below(copy.length - size + 1)))
}

/** What nests and what grows: the same few bytes very often. */
const insertMany: Mutation = (bytes, random, { maxBytes }) => {
  const { at, size } = bytes.length === 0 ? { at: 0, size: 0 } : stretch(bytes.length, random)
  const piece = size === 0 || random.below(2) === 0 ? Uint8Array.of(random.oneOf(TEXT)) : bytes.slice(at, at + size)
  const times = Math.min(1 << random.below(11), Math.floor(Math.max(0, maxBytes - bytes.length) / piece.length))
  const many = new Uint8Array(times * piece.length)
  for (let time = 0; time < times; time++) many.set(piece, time * piece.length)
  return spliced(bytes, at, 0, many)
}

const NUMBERS = [0, 1, -1, 2, 7, 8, 16, 32, 64, 100, 127, 128, 255, 256, 1000, 1024, 4096, 32_767, 32_768, 65_535]
const LARGE = [
  65_536,
  100_000,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  0x1_0000_0000,
  2 ** 52,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
]
const ALL_NUMBERS = [...NUMBERS, ...LARGE]

const setNumber: Mutation = (bytes, random) =>
  changed(bytes, (copy) => {
    const width = 1 << random.below(4)
    if (copy.length < width) return
    const at = random.below(copy.length - width + 1)
    const value = BigInt.asUintN(64, BigInt(random.oneOf(ALL_NUMBERS)))
    const isLittle = random.below(2) === 0
    for (let index = 0; index < width; index++) {
      copy[at + (isLittle ? index : width - 1 - index)] = Number((value >> BigInt(8 * index)) & 0xffn)
    }
  })

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39

/** Of a number that is written in digits another one. */
const setDigits: Mutation = (bytes, random) => {
  const start = random.below(bytes.length + 1)
  let at = start
  while (at < bytes.length && !isDigit(bytes[at])) at++
  let end = at
  while (isDigit(bytes[end])) end++
  const number = random.oneOf(ALL_NUMBERS)
  const text = random.below(8) === 0 ? `${number}.${random.below(100)}e${random.below(400)}` : String(number)
  return spliced(bytes, at, end - at, Buffer.from(text))
}

/** What texts are tripped up by: no UTF-8, half a character, marks of order, of direction, of lines, letters that grow. */
const ODD = [
  '\0',
  '\x1f',
  '\x7f',
  '\u0085',
  '\u00a0',
  'ß',
  'İ',
  'ſ',
  'K',
  '\u0301',
  '\u200d',
  '\u2028',
  '\ufeff',
  '\uffff',
  '😀',
]
  .map((text) => new Uint8Array(Buffer.from(text)))
  .concat([
    Uint8Array.of(0xff),
    Uint8Array.of(0xc0, 0x80),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
  ])
  .concat(
    [
      '\\u0000',
      '\\ud800',
      '\\udc00',
      '%00',
      '%',
      '%zz',
      '%c0%80',
      '%2e%2e%2f',
      '__proto__',
      'constructor',
      'toString',
    ].map((text) => new Uint8Array(Buffer.from(text))),
  )

const insertOdd: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1)
  return spliced(bytes, at, random.below(2) === 0 ? 0 : Math.min(1, bytes.length - at), random.oneOf(ODD))
}

const insertWord: Mutation = (bytes, random, { words }) => {
  if (words.length === 0) return insertOdd(bytes, random, EMPTY)
  return spliced(bytes, random.below(bytes.length + 1), 0, random.oneOf(words))
}

const overwriteByWord: Mutation = (bytes, random, { words }) => {
  if (words.length === 0) return setByte(bytes, random, EMPTY)
  const word = random.oneOf(words)
  const at = random.below(bytes.length + 1)
  return spliced(bytes, at, Math.min(word.length, bytes.length - at), word)
}

/** The beginning of one, and the end of another. */
const cross: Mutation = (bytes, random, { inputs }) => {
  if (inputs.length === 0) return bytes
  const other = random.oneOf(inputs)
  const end = other.subarray(random.below(other.length + 1))
  const start = bytes.subarray(0, random.below(bytes.length + 1))
  return spliced(start, start.length, 0, end)
}

const insertFromOther: Mutation = (bytes, random, { inputs }) => {
  if (inputs.length === 0) return bytes
  const other = random.oneOf(inputs)
  if (other.length === 0) return bytes
  const { at, size } = stretch(other.length, random)
  return spliced(bytes, random.below(bytes.length + 1), 0, other.subarray(at, at + size))
}

/** What the program compared with something else becomes that: past a check that chance would not pass. */
const satisfy: Mutation = (bytes, random, { comparisons }) => {
  if (comparisons.length === 0) return bytes
  const [left, right] = random.oneOf(comparisons)
  const [wanted, found] = random.below(2) === 0 ? [left, right] : [right, left]
  const form = random.oneOf(FORMS)
  const [needle, replacement] = [form(found), form(wanted)]
  if (!needle || !replacement) return bytes
  if (needle.length === 0) return spliced(bytes, random.below(bytes.length + 1), 0, replacement)
  const start = random.below(bytes.length + 1)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const later = buffer.indexOf(needle, start)
  const at = later === -1 ? buffer.indexOf(needle) : later
  return at === -1 ? bytes : spliced(bytes, at, needle.length, replacement)
}

/** How a value that was compared may stand in the input. */
const FORMS: ((value: string | number) => Uint8Array | undefined)[] = [
  (value) => Buffer.from(String(value)),
  (value) => whole(value, 1, false),
  (value) => whole(value, 2, true),
  (value) => whole(value, 2, false),
  (value) => whole(value, 4, true),
  (value) => whole(value, 4, false),
]

function whole(value: string | number, width: number, isLittle: boolean): Uint8Array | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value) || Math.abs(value) >= 2 ** (8 * width)) return undefined
  const bytes = new Uint8Array(width)
  for (let index = 0; index < width; index++) {
    bytes[isLittle ? index : width - 1 - index] = Number((BigInt(value) >> BigInt(8 * index)) & 0xffn)
  }
  return bytes
}

const EMPTY: Material = { inputs: [], words: [], comparisons: [], maxBytes: 0 }

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  addToByte,
  setCharacter,
  insertCharacter,
  remove,
  remove,
  repeat,
  copyElsewhere,
  insertMany,
  setNumber,
  setDigits,
  insertOdd,
  insertWord,
  insertWord,
  overwriteByWord,
  cross,
  insertFromOther,
  satisfy,
  satisfy,
]
