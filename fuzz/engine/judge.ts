import { isPromise } from 'node:util/types'
import type { Target } from './target.ts'

/** What one input led to that must not be. */
export interface Fault {
  /** The same for the same mistake, whatever the input. */
  signature: string
  detail: string
}

/** At once where the target is: a promise for each input would cost more than most inputs. */
export function judge(target: Target, input: Uint8Array): Fault | undefined | Promise<Fault | undefined> {
  try {
    const read = target.read(input)
    if (isPromise(read)) return read.then(pollution, (error: unknown) => faultOf(target, error) ?? pollution())
  } catch (error) {
    return faultOf(target, error) ?? pollution()
  }
  return pollution()
}

function faultOf(target: Target, error: unknown): Fault | undefined {
  return target.refuses(error) ? undefined : describeFault(error)
}

export function describeFault(error: unknown): Fault {
  if (!(error instanceof Error)) return { signature: `thrown ${typeof error}`, detail: String(error).slice(0, 500) }
  if (error.name === 'Broken') return { signature: error.message.slice(0, 80), detail: error.stack ?? '' }
  const place = /\n\s+at (?:async )?(?:new )?([\w.$<>[\] ]+?) /.exec(error.stack ?? '')?.[1] ?? 'nowhere'
  return { signature: `${error.name} in ${place}`, detail: (error.stack ?? error.message).slice(0, 3_000) }
}

const PLAIN: object = {}
const LIST: object = []

/** Whether the last input has left something on what every object inherits: by an assignment, so that it is enumerable. */
function pollution(): Fault | undefined {
  for (const name in PLAIN) return removed(Object.prototype, name)
  for (const name in LIST) return removed(Array.prototype, name)
  return undefined
}

function removed(prototype: object, name: string): Fault {
  Reflect.deleteProperty(prototype, name)
  return { signature: 'prototype pollution', detail: `Every object has got a property ${JSON.stringify(name)}.` }
}
