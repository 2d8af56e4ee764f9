import { stat } from 'node:fs/promises'
import { parse } from 'yaml'
import { CommandError, hasCode } from '../errors/errors.ts'
import { readPlainText } from '../files/read-plain-text.ts'

type Fields = Record<string, unknown>

/** More than any description of a build has. */
const MAX_BYTES = 1024 * 1024

/** @throws CommandError bundle-invalid when there is one without fields; undefined when there is none */
export function readYaml(path: string): Promise<Fields | undefined> {
  return read(path, 'YAML', (text) => parse(text, { maxAliasCount: 0, logLevel: 'error' }) as unknown)
}

/** As `readYaml`. */
export function readJson(path: string): Promise<Fields | undefined> {
  return read(path, 'JSON', (text) => JSON.parse(text) as unknown)
}

async function read(path: string, what: string, parseText: (text: string) => unknown): Promise<Fields | undefined> {
  try {
    const described = await readPlainText(path)
    if (described.length > MAX_BYTES) throw new Error(`Expected at most ${MAX_BYTES} characters.`)
    const found = parseText(described)
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as Fields
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined
    throw new CommandError('bundle-invalid', `${path} cannot be read as ${what}.`, { cause })
  }
  throw new CommandError('bundle-invalid', `Expected ${path} to have fields, found none.`)
}

export const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
