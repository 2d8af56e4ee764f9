import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readArray, readInteger, readObject, readSha256, readString, UnexpectedJsonError } from '@hotpatch/protocol'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import { userDirectory, writePrivateFile } from '../config/config-file.ts'
import type { KnownHead } from './verify-chain.ts'

/** By the address of the server, oldest first: heads of its audit log that were verified. */
type Heads = Map<string, KnownHead[]>

const MAX_SERVERS = 1000
const MAX_HEADS = 200
const TIME = { pattern: /^[\d:.TZ-]{1,40}$/, expected: 'a time' }

export function auditHeadsPath(env: CliContext['env']): string {
  return join(userDirectory(env), 'audit-heads.json')
}

export async function readAuditHeads(path: string, url: string): Promise<KnownHead[]> {
  return (await readHeads(path)).get(url) ?? []
}

/** @param known what is to be remembered of this server from now on */
export async function writeAuditHeads(path: string, url: string, known: readonly KnownHead[]): Promise<void> {
  const heads = await readHeads(path)
  heads.set(url, thinned(known))
  const text = `${JSON.stringify({ servers: Object.fromEntries(heads) }, null, 2)}\n`
  await writePrivateFile(path, text, { replace: true })
}

/** Of the older ones every second goes: a change is then found in a longer stretch, and found all the same. */
function thinned(known: readonly KnownHead[]): KnownHead[] {
  if (known.length <= MAX_HEADS) return [...known]
  return known.filter((_, index) => index > MAX_HEADS / 2 || index % 2 === 0)
}

async function readHeads(path: string): Promise<Heads> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return new Map()
    throw new CommandError('audit-heads-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
  try {
    const servers = Object.entries(readObject(readObject(JSON.parse(text), '').servers, '/servers'))
    return new Map(
      servers.slice(0, MAX_SERVERS).map(([url, heads]) => [url, readServer(heads, `/servers/${url}`)] as const),
    )
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError || cause instanceof SyntaxError)) throw cause
    // Never begun anew by itself: whoever could damage it would be rid of what is remembered.
    const message = `${path} is not as this tool wrote it: ${cause.message}. Correct it, or delete it to begin anew.`
    throw new CommandError('audit-heads-invalid', message, { cause })
  }
}

function readServer(value: unknown, pointer: string): KnownHead[] {
  return readArray(value, pointer, 2 * MAX_HEADS).map((item, index) => {
    const at = `${pointer}/${index}`
    const json = readObject(item, at)
    return {
      position: readInteger(json.position, `${at}/position`, 0),
      hash: readSha256(json.hash, `${at}/hash`),
      at: readString(json.at, `${at}/at`, TIME),
    }
  })
}
