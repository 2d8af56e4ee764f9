import { parseJson, UnexpectedJsonError } from '../json-reader.ts'
import { utf8FromText } from '../utf8.ts'
import { isWellFormed } from '../well-formed.ts'

/** Kits §1.3: deeper than anything that a manifest says. */
const MAX_DEPTH = 32
const MAX_NAME_IN_POINTER = 100
const WHOLE_NUMBER = /^(?:0|-?[1-9]\d*)$/
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]|-?\d[^,\]}\s]*/gs

/** What is open at a place of the text: an object, with the names that it has so far, or an array. */
interface Open {
  names: Set<string> | undefined
  /** Of an object: the name that the value belongs to, once it was read. */
  name: string | undefined
  index: number
}

/**
 * Kits §1.3: JSON that all readers understand alike. Of a name that is there twice some take the first and some the last;
 * fractions, exponents and numbers above 2^53 not all read as the same; of half a character some make something else.
 * @throws UnexpectedJsonError
 */
export function parsePlainJson(text: string, maxBytes: number): unknown {
  // A character is one byte or more: a long text is refused before it is counted.
  if (text.length > maxBytes || utf8FromText(text).length > maxBytes) {
    throw new UnexpectedJsonError('', `at most ${maxBytes} bytes`, text)
  }
  const value = parseJson(text)
  expectPlain(text)
  return value
}

/** Of a text that is JSON. */
function expectPlain(text: string): void {
  const open: Open[] = []
  for (const [token] of text.matchAll(TOKEN)) {
    const top = open.at(-1)
    if (token === '{' || token === '[') {
      open.push({ names: token === '{' ? new Set() : undefined, name: undefined, index: 0 })
      if (open.length > MAX_DEPTH) throw new UnexpectedJsonError('', `at most ${MAX_DEPTH} levels`, text)
    } else if (token === '}' || token === ']') open.pop()
    else if (token === ',') nextOf(top)
    else if (token.startsWith('"')) readText(token, open)
    else expectWhole(token, open)
  }
}

function nextOf(top: Open | undefined): void {
  if (!top) return
  top.name = undefined
  top.index += 1
}

function readText(token: string, open: readonly Open[]): void {
  const text = JSON.parse(token) as string
  const top = open.at(-1)
  if (!isWellFormed(text)) throw new UnexpectedJsonError(pointerTo(open), 'whole characters', text)
  if (!top?.names || top.name !== undefined) return
  if (top.names.has(text)) throw new UnexpectedJsonError(pointerTo(open, text), 'each name once', text)
  top.names.add(text)
  top.name = text
}

function expectWhole(token: string, open: readonly Open[]): void {
  const isWhole = WHOLE_NUMBER.test(token) && Number.isSafeInteger(Number(token))
  if (!isWhole) throw new UnexpectedJsonError(pointerTo(open), 'a whole number of up to 2^53 - 1, in digits', token)
}

function pointerTo(open: readonly Open[], name?: string): string {
  const parts = open.map((each) => each.name ?? (each.names ? name : String(each.index)))
  const written = parts.filter((part) => part !== undefined).map((part) => part.slice(0, MAX_NAME_IN_POINTER))
  return written.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
