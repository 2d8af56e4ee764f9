import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import type { CliContext } from '../../process/context.ts'
import { CommandError, hasCode, systemReason } from '../../errors/errors.ts'

export interface ProgramCall {
  /** What people know it as, such as "npx react-native bundle". */
  name: string
  command: string
  args: readonly string[]
  cwd: string
  /** Of errors, as in "bundler-missing" and "bundler-failed". */
  type: string
}

/**
 * Runs a program of the app's own and shows what it says.
 * @throws CommandError …-missing when it cannot be started, …-failed when it does not end with 0
 */
export async function runProgram(
  { env, stderr, signal, isTTY }: CliContext,
  { name, command, args, cwd, type }: ProgramCall,
): Promise<void> {
  // What is run is the code of many people: it gets neither the token nor the key.
  const { HOTPATCH_TOKEN: _token, HOTPATCH_SIGNING_KEY: _key, ...others } = env
  // A project without React Native gets an error, not whatever the registry has under that name today.
  // Some bundlers colour what they write wherever it goes, CI logs included.
  const plain = isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' }
  const childEnv = { ...others, ...plain, npm_config_yes: 'false' }
  const child = spawn(command, args, { cwd, env: childEnv, signal, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.pipe(stderr, { end: false })
  child.stderr.pipe(stderr, { end: false })
  let ended: unknown[]
  try {
    // Not "exit": by "close" all of its output has come.
    ended = await once(child, 'close')
  } catch (cause) {
    throw new CommandError(`${type}-missing`, `${command} could not be started: ${whyNotStarted(cause, cwd)}.`, {
      cause,
    })
  }
  const [code, endedBy] = ended as [number | null, string | null]
  if (code === 0) return
  const how = endedBy ? `was ended by ${endedBy}` : `failed with exit code ${code}`
  const advice = endedBy === 'SIGKILL' ? ' The system may have had too little memory for it.' : ''
  const message = `${name} ${how}, in ${cwd}. Nothing was published.${advice} Its own message is above.`
  throw new CommandError(`${type}-failed`, message)
}

/** The system says ENOENT of the program also when it is the folder that is not there. */
function whyNotStarted(cause: unknown, cwd: string): string {
  if (!hasCode(cause, 'ENOENT', 'ENOTDIR')) return systemReason(cause)
  const folder = statSync(cwd, { throwIfNoEntry: false })
  if (folder?.isDirectory()) return `${systemReason(cause)} (it is not on PATH)`
  return `there is no folder ${cwd} to run it in`
}
