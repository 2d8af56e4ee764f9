import { readObject, UnexpectedJsonError } from '@hotpatch/protocol'
import { KitError } from '../ground/kit-error.ts'
import { closestName } from './closest-name.ts'

/** What is wrong in `kit.json`, and where. */
export interface InstallationMistake {
  /** JSON pointer. */
  pointer: string
  /** What was expected there, and what was found. */
  message: string
}

/** All that is wrong, at once: nobody mends one line only to be told of the next. */
export class InstallationError extends KitError {
  override name = 'InstallationError'
  readonly mistakes: readonly InstallationMistake[]

  constructor(mistakes: readonly InstallationMistake[], options: { cause?: unknown } = {}) {
    const shown = mistakes.slice(0, MAX_SHOWN).map(({ message }) => `\n  ${message}`)
    const more = mistakes.length > MAX_SHOWN ? `\n  and ${mistakes.length - MAX_SHOWN} more` : ''
    super('installation-invalid', `kit.json has to be mended:${shown.join('')}${more}`, options)
    this.mistakes = mistakes
  }
}

const MAX_SHOWN = 30

export type Mistakes = ReturnType<typeof collectMistakes>

/** Goes on reading behind a mistake. */
export function collectMistakes() {
  const mistakes: InstallationMistake[] = []

  function tell(pointer: string, expected: string, found: string): void {
    mistakes.push({ pointer, message: `${pointer || '/'}: expected ${expected}, found ${found}` })
  }

  /** What `read` gives, or `otherwise` when it finds something unexpected. */
  function attempt<T>(otherwise: T, read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof UnexpectedJsonError)) throw error
      mistakes.push({ pointer: error.pointer, message: error.message })
      return otherwise
    }
  }

  /** An object with these fields and no other: a name that is mistyped must not be passed over. */
  function fields(value: unknown, pointer: string, known: readonly string[]): Record<string, unknown> {
    const json = attempt({}, () => readObject(value, pointer))
    for (const name of Object.keys(json)) {
      if (known.includes(name)) continue
      const meant = closestName(name, known)
      const hint = meant === undefined ? `one of ${known.join(', ')}` : `${JSON.stringify(meant)}, perhaps`
      tell(pointerTo(pointer, name), hint, `the unknown field ${JSON.stringify(name.slice(0, 64))}`)
    }
    return json
  }

  /** By name; without a prototype, as "constructor" is a name that nobody has given. */
  function byName<T>(
    value: unknown,
    pointer: string,
    { name, max, read }: { name: RegExp; max: number; read: (value: unknown, pointer: string, name: string) => T },
  ): Record<string, T> {
    const found: Record<string, T> = Object.create(null)
    const entries = Object.entries(value === undefined ? {} : attempt({}, () => readObject(value, pointer)))
    if (entries.length > max) tell(pointer, `at most ${max}`, String(entries.length))
    for (const [key, each] of entries.slice(0, max)) {
      const at = pointerTo(pointer, key)
      if (!name.test(key)) tell(at, `a name that matches ${name.source}`, JSON.stringify(key.slice(0, 64)))
      else found[key] = read(each, at, key)
    }
    return found
  }

  function throwAny(): void {
    if (mistakes.length > 0) throw new InstallationError(mistakes)
  }

  return { tell, attempt, fields, byName, throwAny }
}

/** RFC 6901. */
export function pointerTo(pointer: string, name: string): string {
  return `${pointer}/${name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`
}
