import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AuditLine } from '@hotpatch/api'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

export interface WrittenExport {
  path: string | null
  entries: number
  /** Where the next export goes on. */
  position: number
  hash: string
}

/**
 * To a new file, which is there as a whole or not at all; or to stdout.
 * @throws CommandError export-incomplete when the last line did not come
 */
export async function writeExport(
  { cwd, stdout, signal }: CliContext,
  lines: AsyncIterable<AuditLine>,
  file: string | undefined,
): Promise<WrittenExport> {
  const counted = { entries: 0, end: undefined as Extract<AuditLine, { kind: 'end' }> | undefined }
  async function* texts() {
    for await (const line of lines) {
      if (line.kind === 'end') counted.end = line
      else counted.entries += 1
      yield `${JSON.stringify(line)}\n`
    }
    if (!counted.end) brokenOff()
  }
  const path = file === undefined ? null : resolve(cwd, file)
  if (path === null) await pipeline(Readable.from(texts()), stdout, { signal, end: false })
  else await writeNew(path, texts, signal)
  const { position, hash } = counted.end ?? brokenOff()
  return { path, entries: counted.entries, position, hash }
}

function brokenOff(): never {
  throw new CommandError('export-incomplete', 'The server broke off before the last line. Export again.')
}

async function writeNew(path: string, write: () => AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  const part = `${path}.${randomUUID()}.part`
  try {
    await pipeline(Readable.from(write()), createWriteStream(part, { mode: 0o600, flags: 'wx' }), { signal })
    // Never over a file that is there.
    await link(part, path)
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) {
      throw new CommandError('file-exists', `${path} is there already. Name another, or remove it.`, { cause })
    }
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause
    throw new CommandError('file-unwritable', `${path} cannot be written: ${systemReason(cause)}.`, { cause })
  } finally {
    await rm(part, { force: true })
  }
}
