import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandError, systemReason } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

/** Whatever becomes of it, nothing is left. */
export async function withTemporary<T>(context: CliContext, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await makeTemporary(context)
  try {
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function makeTemporary({ env }: CliContext): Promise<string> {
  const parent = env.TMPDIR ?? tmpdir()
  try {
    return await mkdtemp(join(parent, 'hotpatch-'))
  } catch (cause) {
    const message = `The zip needs a temporary folder, and none can be made in ${parent}: ${systemReason(cause)}. Another: TMPDIR.`
    throw new CommandError('temporary-unwritable', message, { cause })
  }
}
