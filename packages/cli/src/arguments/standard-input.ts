import type { Readable } from 'node:stream'
import { UsageError } from '../errors.ts'

const MAX_CHARACTERS = 16 * 1024

/** A secret that is passed in. @param what it is, for the message when it is much longer than one */
export async function readStandardInput(stdin: Readable, what: string): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.length > MAX_CHARACTERS) throw new UsageError(`Standard input is too long to be ${what}.`)
  }
  return text
}
