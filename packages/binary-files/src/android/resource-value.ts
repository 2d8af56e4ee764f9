import type { StringPool } from './string-pool.ts'

/** What stands in an attribute or a resource. */
export type ResourceValue =
  | { kind: 'text'; text: string }
  | { kind: 'number'; number: number }
  | { kind: 'boolean'; value: boolean }
  /** To a resource, by its id. */
  | { kind: 'reference'; id: number }

const REFERENCE = 0x01
const STRING = 0x03
const DYNAMIC_REFERENCE = 0x07
const DECIMAL = 0x10
const HEXADECIMAL = 0x11
const BOOLEAN = 0x12

/** Undefined for what no manifest says anything with: colours, dimensions, attributes of a theme. */
export function resourceValue(type: number, data: number, strings: StringPool): ResourceValue | undefined {
  switch (type) {
    case REFERENCE:
    case DYNAMIC_REFERENCE:
      return { kind: 'reference', id: data }
    case STRING: {
      const text = strings(data)
      return text === undefined ? undefined : { kind: 'text', text }
    }
    case DECIMAL:
    case HEXADECIMAL:
      return { kind: 'number', number: data }
    case BOOLEAN:
      return { kind: 'boolean', value: data !== 0 }
    default:
      return undefined
  }
}
