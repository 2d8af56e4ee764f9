import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What is fetched and compiled is kept here, outside the checkout. */
export const FOLDER = join(tmpdir(), 'hotpatch-real-clients')

const exec = promisify(execFile)

export const run = (command: string, args: readonly string[], cwd = FOLDER) =>
  exec(command, args, { cwd, maxBuffer: 1 << 26 })
