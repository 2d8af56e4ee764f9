import {
  parseJson,
  readArray,
  readInteger,
  readObject,
  readOptional,
  readSha256,
  readString,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import { KIT_CODES, type KitCode } from '../ground/kit-error.ts'
import { KIT_HAPPENINGS, KIT_STATES, type KitHappening, type KitState } from './kit-states.ts'

/** Why an apply, or a component of it, did not come to its end. */
export interface Why {
  code: KitCode
  message: string
  component?: string
}

/**
 * What is done with one component. `preparing`, `applying` and `reverting` are written before; the others after.
 * `confirmed` and `failed` are of those that come after the commit alone (Kits §8.6).
 */
export const STEPS_OF_COMPONENT = [
  'preparing',
  'applying',
  'applied',
  'probed',
  'confirmed',
  'reverting',
  'reverted',
  'failed',
] as const

export type StepOfComponent = (typeof STEPS_OF_COMPONENT)[number]

/** Kits §8.3 */
export type JournalRecord =
  | { kind: 'planned'; at: number; releaseId: string; sequence: number; planSha256: string }
  | { kind: 'state'; at: number; state: KitState; by: KitHappening; why?: Why; unwell?: readonly string[] }
  | { kind: 'component'; at: number; component: string; step: StepOfComponent; why?: Why }
  | { kind: 'try-failed'; at: number; why: Why }

const MAX_COMPONENTS = 50
const MAX_MESSAGE = 1_000

export function writeRecord(record: JournalRecord): string {
  const why = 'why' in record && record.why && { ...record.why, message: record.why.message.slice(0, MAX_MESSAGE) }
  return JSON.stringify(why ? { ...record, why } : record)
}

/** @throws UnexpectedJsonError */
export function readRecord(text: string): JournalRecord {
  const json = readObject(parseJson(text), '')
  const at = readInteger(json.at, '/at', 0)
  const why = readOptional(json.why, (found) => readWhy(found, '/why'))
  switch (json.kind) {
    case 'planned':
      return {
        kind: 'planned',
        at,
        releaseId: readString(json.releaseId, '/releaseId'),
        sequence: readInteger(json.sequence, '/sequence', 1),
        planSha256: readSha256(json.planSha256, '/planSha256'),
      }
    case 'state': {
      const unwell = readOptional(json.unwell, (found) =>
        readArray(found, '/unwell', MAX_COMPONENTS).map((each, index) => readString(each, `/unwell/${index}`)),
      )
      return {
        kind: 'state',
        at,
        state: readOneOf(json.state, KIT_STATES, '/state'),
        by: readOneOf(json.by, KIT_HAPPENINGS, '/by'),
        ...(why && { why }),
        ...(unwell && { unwell }),
      }
    }
    case 'component':
      return {
        kind: 'component',
        at,
        component: readString(json.component, '/component'),
        step: readOneOf(json.step, STEPS_OF_COMPONENT, '/step'),
        ...(why && { why }),
      }
    case 'try-failed':
      return { kind: 'try-failed', at, why: readWhy(json.why, '/why') }
    default:
      throw new UnexpectedJsonError('/kind', 'planned, state, component or try-failed', json.kind)
  }
}

function readWhy(value: unknown, pointer: string): Why {
  const json = readObject(value, pointer)
  const component = readOptional(json.component, (found) => readString(found, `${pointer}/component`))
  return {
    code: readOneOf(json.code, Object.keys(KIT_CODES) as KitCode[], `${pointer}/code`),
    message: readString(json.message, `${pointer}/message`),
    ...(component !== undefined && { component }),
  }
}

function readOneOf<T extends string>(value: unknown, all: readonly T[], pointer: string): T {
  const found = all.find((each) => each === value)
  if (found === undefined) throw new UnexpectedJsonError(pointer, `one of ${all.join(', ')}`, value)
  return found
}
