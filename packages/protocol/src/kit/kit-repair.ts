import { readArray, readObject, readString, UnexpectedJsonError } from '../json-reader.ts'

/**
 * Kits §3.7: values of a settings file that have to be these. Which file a target is, and which of its keys a release may
 * set, the installation says.
 */
export interface KitRepair {
  /** Such as "gateway-settings". */
  target: string
  /** By key; `${NAME}` in a value stands for a variable of the installation. */
  set: Readonly<Record<string, string>>
}

const TARGET = /^[a-z0-9][a-z0-9._-]{0,63}$/
/** Nothing that would be more than a setting to whoever keeps settings in an object. */
const KEY = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_.-]{0,99}$/
/** One line: nobody adds a second setting by the value of a first. */
// oxlint-disable-next-line no-control-regex -- it is control characters that no value may have
const VALUE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{0,2000}$/u
const MAX_REPAIRS = 20
const MAX_KEYS = 50

/** @throws UnexpectedJsonError */
export function readKitRepairs(value: unknown, pointer: string): KitRepair[] {
  const repairs = readArray(value, pointer, MAX_REPAIRS).map((each, index) => readRepair(each, `${pointer}/${index}`))
  if (repairs.length === 0) throw new UnexpectedJsonError(pointer, 'at least one repair', value)
  return repairs
}

function readRepair(value: unknown, pointer: string): KitRepair {
  const json = readObject(value, pointer)
  const entries = Object.entries(readObject(json.set, `${pointer}/set`))
  if (entries.length === 0 || entries.length > MAX_KEYS) {
    throw new UnexpectedJsonError(`${pointer}/set`, `1 to ${MAX_KEYS} keys`, json.set)
  }
  const set = entries.map(([key, found]) => {
    readString(key, `${pointer}/set`, { pattern: KEY, expected: 'a key, such as OAUTH_BASE_URL' })
    return [key, readString(found, `${pointer}/set/${key}`, { pattern: VALUE, expected: 'one line of text' })] as const
  })
  return {
    target: readString(json.target, `${pointer}/target`, { pattern: TARGET, expected: 'a name in lower case' }),
    set: Object.fromEntries(set),
  }
}
