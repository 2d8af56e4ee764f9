import type { Readable } from 'node:stream'
import { UsageError } from '../errors/errors.ts'

const MAX_CHARACTERS = 16 * 1024

/** It can be read once only, and a key is asked for by each thing that it signs. */
const read = new WeakMap<Readable, Promise<string>>()

/** A secret that is passed in. @param what it is, for the message when it is much longer than one */
export function readStandardInput(stdin: Readable, what: string): Promise<string> {
  const text = read.get(stdin) ?? readAll(stdin, what)
  read.set(stdin, text)
  return text
}

async function readAll(stdin: Readable, what: string): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.length > MAX_CHARACTERS) throw new UsageError(`Standard input is too long to be ${what}.`)
  }
  return text
}
