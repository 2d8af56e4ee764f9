/** Small readers for data that comes from elsewhere: each says where a value is not what it must be. */

export class UnexpectedJsonError extends Error {
  override name = 'UnexpectedJsonError'
  /** JSON pointer of the value, such as "/artifacts/0/sha256". */
  readonly pointer: string

  constructor(pointer: string, expected: string, found: unknown) {
    super(`${pointer || '/'}: expected ${expected}, found ${describe(found)}`)
    this.pointer = pointer
  }
}

/** @throws UnexpectedJsonError */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw Object.assign(new UnexpectedJsonError('', 'JSON', text), { cause })
  }
}

export function readObject(value: unknown, pointer: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnexpectedJsonError(pointer, 'an object', value)
  }
  return value as Record<string, unknown>
}

export function readArray(value: unknown, pointer: string, maxLength: number): unknown[] {
  if (!Array.isArray(value)) throw new UnexpectedJsonError(pointer, 'an array', value)
  if (value.length > maxLength) throw new UnexpectedJsonError(pointer, `at most ${maxLength} items`, value)
  return value
}

export function readString(value: unknown, pointer: string, options: { pattern?: RegExp; expected?: string } = {}) {
  const { pattern, expected = 'a string' } = options
  if (typeof value !== 'string' || (pattern && !pattern.test(value))) {
    throw new UnexpectedJsonError(pointer, expected, value)
  }
  return value
}

const SHA256 = /^[0-9a-f]{64}$/

export function readSha256(value: unknown, pointer: string): string {
  return readString(value, pointer, { pattern: SHA256, expected: '64 lower-case hex digits' })
}

/** A safe integer of at least `minimum`. */
export function readInteger(value: unknown, pointer: string, minimum: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < minimum) {
    throw new UnexpectedJsonError(pointer, `an integer of at least ${minimum}`, value)
  }
  return value
}

/** `read` of the value, or undefined when it is absent. */
export function readOptional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`
  switch (typeof value) {
    case 'undefined':
      return 'nothing'
    case 'string': {
      const text = JSON.stringify(value)
      return text.length > 80 ? `${text.slice(0, 77)}…` : text
    }
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'symbol':
      return String(value)
    case 'function':
      return 'a function'
    case 'object':
      return value === null ? 'null' : 'an object'
  }
}
