/**
 * HTTP's structured fields (RFC 8941) as Expo's client sends and reads them: dictionaries and lists. Strict as the RFC
 * is, and bounded: what is longer or has more in it is none.
 */

const MAX_LENGTH = 16_384
const MAX_MEMBERS = 256

/** Written without quotes: `sha-256`, `*`, `application/json`. */
export class Token {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** As base64, as it came. */
export class ByteSequence {
  readonly base64: string

  constructor(base64: string) {
    this.base64 = base64
  }
}

export type BareItem = string | number | boolean | Token | ByteSequence

export interface Item {
  value: BareItem | readonly Item[]
  parameters: ReadonlyMap<string, BareItem>
}

export class StructuredFieldError extends Error {
  override name = 'StructuredFieldError'
}

/** @throws StructuredFieldError */
export function readDictionary(text: string): ReadonlyMap<string, Item> {
  const reader = createReader(text)
  const members = new Map<string, Item>()
  let count = 0
  reader.members(() => {
    const key = reader.key()
    if (++count > MAX_MEMBERS) throw reader.fault(`at most ${MAX_MEMBERS} members`)
    // The last of a name counts, at the place of the first.
    members.set(key, reader.takes('=') ? reader.memberValue() : { value: true, parameters: reader.parameters() })
  })
  return members
}

/** @throws StructuredFieldError */
export function readList(text: string): readonly Item[] {
  const reader = createReader(text)
  const members: Item[] = []
  reader.members(() => {
    if (members.length === MAX_MEMBERS) throw reader.fault(`at most ${MAX_MEMBERS} members`)
    members.push(reader.memberValue())
  })
  return members
}

const KEY = /[a-z*][a-z0-9_.*-]*/y
const NUMBER = /-?\d{1,15}(?!\d)(?:\.\d{1,3}(?!\d))?/y
const STRING = /"((?:[ !#-[\]-~]|\\["\\])*)"/y
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y
/** With its padding or without, but never with half of it. */
const BYTES = /:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?):/y
const BOOLEAN = /\?([01])/y
const SPACES = / */y
const WHITE_SPACE = /[ \t]*/y
/** RFC 8941 §3.1.2: an integer has up to 15 digits, a decimal up to 12 before the point. */
const MAX_DECIMAL = 1e12

function createReader(text: string) {
  let at = 0
  if (text.length > MAX_LENGTH) throw fault(`at most ${MAX_LENGTH} characters`)

  function fault(expected: string): StructuredFieldError {
    return new StructuredFieldError(`Expected ${expected} at character ${at} of a structured field.`)
  }

  function match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at += found[0].length
    return found
  }

  function takes(character: string): boolean {
    const isThere = text[at] === character
    if (isThere) at++
    return isThere
  }

  function key(): string {
    const found = match(KEY)
    if (!found) throw fault('a key in lower case')
    return found[0]
  }

  /** Separated by commas; none at the end. */
  function members(read: () => void): void {
    match(SPACES)
    if (at === text.length) return
    for (;;) {
      read()
      match(WHITE_SPACE)
      if (at === text.length) return
      if (!takes(',')) throw fault('a comma')
      match(WHITE_SPACE)
      if (at === text.length) throw fault('another member')
    }
  }

  function memberValue(): Item {
    return text[at] === '(' ? innerList() : item()
  }

  function innerList(): Item {
    takes('(')
    const items: Item[] = []
    for (;;) {
      match(SPACES)
      if (takes(')')) return { value: items, parameters: parameters() }
      if (items.length === MAX_MEMBERS) throw fault(`at most ${MAX_MEMBERS} members`)
      items.push(item())
      if (text[at] !== ' ' && text[at] !== ')') throw fault('a space or the end of the list')
    }
  }

  function item(): Item {
    return { value: bareItem(), parameters: parameters() }
  }

  function bareItem(): BareItem {
    const first = text[at] ?? ''
    if (first === '"') return string()
    if (first === '?') return required(BOOLEAN, '?0 or ?1')[1] === '1'
    if (first === ':') return bytes()
    if (/[-\d]/.test(first)) return number()
    return new Token(required(TOKEN, 'an item')[0])
  }

  function required(pattern: RegExp, expected: string): RegExpExecArray {
    const found = match(pattern)
    if (!found) throw fault(expected)
    return found
  }

  function string(): string {
    return (required(STRING, 'a text in quotes')[1] ?? '').replace(/\\(.)/g, '$1')
  }

  function bytes(): ByteSequence {
    return new ByteSequence(required(BYTES, 'base64 between colons')[1] ?? '')
  }

  function number(): number {
    const [digits] = required(NUMBER, 'a number of RFC 8941')
    const value = Number(digits)
    // A zero has no sign.
    if (!digits.includes('.')) return value === 0 ? 0 : value
    if (Math.abs(Math.trunc(value)) >= MAX_DECIMAL) throw fault('a decimal of at most 12 digits before its point')
    return value === 0 ? 0 : value
  }

  function parameters(): ReadonlyMap<string, BareItem> {
    if (text[at] !== ';') return NO_PARAMETERS
    const found = new Map<string, BareItem>()
    for (let count = 0; takes(';'); count++) {
      if (count === MAX_MEMBERS) throw fault(`at most ${MAX_MEMBERS} parameters`)
      match(SPACES)
      const name = key()
      found.set(name, takes('=') ? bareItem() : true)
    }
    return found
  }

  return { fault, takes, key, members, memberValue, parameters }
}

const NO_PARAMETERS: ReadonlyMap<string, BareItem> = new Map()

const WHOLE_KEY = new RegExp(`^(?:${KEY.source})$`)
/** What RFC 8941 has no way to write is none of these. */
const WRITABLE = /^[ -~]*$/

/**
 * Of what Expo's client keeps of a dictionary: texts, whole numbers and booleans. Whoever writes what cannot be written
 * is told which.
 * @throws StructuredFieldError
 */
export function writeDictionary(members: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(members)
    .map(([key, value]) => {
      if (!WHOLE_KEY.test(key)) throw new StructuredFieldError(`Expected a key such as "branch-name", found "${key}".`)
      return value === true ? key : `${key}=${writeBare(key, value)}`
    })
    .join(', ')
}

function writeBare(key: string, value: string | number | boolean): string {
  if (typeof value === 'boolean') return '?0'
  if (typeof value === 'string' && WRITABLE.test(value)) return `"${value.replace(/["\\]/g, '\\$&')}"`
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e15) return String(value)
  const expected = 'a text of ASCII, a whole number of up to 15 digits, or a boolean'
  throw new StructuredFieldError(`Expected ${expected} for "${key}".`)
}
