import { heldBytes, madeBody, type Body } from '../../ground/http/made-body.ts'

/**
 * Of all that is remembered together. Answers of one release differ by what the client takes and by the request's host,
 * which anyone can make up: what was not asked for lately gives way.
 */
const MAX_BYTES = 64 * 1024 * 1024
/** Of one that is remembered, beside it: its entry, and by what it differs. */
const ENTRY_BYTES = 200

/** By who remembers it, by what it is of, and by what it differs. */
type Generation = Map<symbol, WeakMap<object, Map<string, Made>>>

interface Made {
  value: unknown
  bytes: number
}

/** When a generation is full it becomes the old one: what is in use moves along. */
export function createMemory({ maxBytes }: { maxBytes: number }) {
  let recent: Generation = new Map()
  let older: Generation = new Map()
  let recentBytes = 0

  /**
   * @param bytesOf how much room it takes
   * @returns what remembers: `subject` is what it is of, once that is gone so is it; `variant` by what it differs
   */
  function rememberer<Value>(bytesOf: (value: Value) => number) {
    const owner = Symbol('owner')
    return function remember(subject: object, variant: string, make: () => Value): Value {
      const known = recent.get(owner)?.get(subject)?.get(variant)
      if (known) return known.value as Value // only what this owner made is under its symbol
      const made = older.get(owner)?.get(subject)?.get(variant) ?? weighed(make(), variant)
      keep(owner, subject, variant, made)
      return made.value as Value
    }

    function weighed(value: Value, variant: string): Made {
      return { value, bytes: bytesOf(value) + variant.length + ENTRY_BYTES }
    }
  }

  function keep(owner: symbol, subject: object, variant: string, made: Made): void {
    if (recentBytes + made.bytes > maxBytes / 2) {
      older = recent
      recent = new Map()
      recentBytes = 0
    }
    recentBytes += made.bytes
    const bySubject = recent.get(owner) ?? new WeakMap<object, Map<string, Made>>()
    recent.set(owner, bySubject)
    const byVariant = bySubject.get(subject) ?? new Map<string, Made>()
    bySubject.set(subject, byVariant)
    byVariant.set(variant, made)
  }

  return { rememberer }
}

const memory = createMemory({ maxBytes: MAX_BYTES })

/** Remembers the bodies of answers for whatever they are of and each variant, as most devices get the same ones. */
export function rememberAnswers(): (subject: object, variant: string, write: () => string) => Body {
  const remember = memory.rememberer(heldBytes)
  return (subject, variant, write) => remember(subject, variant, () => madeBody(write()))
}

/** Remembers texts of which answers are put together. */
export function rememberTexts() {
  return memory.rememberer((text: string) => Buffer.byteLength(text))
}
