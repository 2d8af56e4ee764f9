import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { printable } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

export interface ProgramCall {
  /** What people know it as, such as "npx react-native bundle". */
  name: string
  command: string
  args: readonly string[]
  cwd: string
  /** Of errors, as in "bundler-missing" and "bundler-failed". */
  type: string
  /** It is ended when it takes longer. */
  timeoutMs?: number
  /** What it writes to stdout is for this tool, and is shown only when it fails. */
  isAnswer?: boolean
}

const MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024

/**
 * Runs a program of the app's own and shows what it says. Returns its answer, where it gives one.
 * @throws CommandError …-missing when it cannot be started, …-failed when it does not end with 0
 */
export async function runProgram(
  { env, stderr, signal, isTTY }: CliContext,
  { name, command, args, cwd, type, timeoutMs, isAnswer = false }: ProgramCall,
): Promise<string> {
  // What is run is the code of many people: it gets neither the token nor a key.
  const {
    HOTPATCH_TOKEN: _token,
    HOTPATCH_SIGNING_KEY: _key,
    HOTPATCH_EXPO_PRIVATE_KEY: _expoKey,
    HOTPATCH_MINISIGN_PASSWORD: _password,
    ...others
  } = env
  // A project without React Native gets an error, not whatever the registry has under that name today.
  // Some bundlers colour what they write wherever it goes, CI logs included.
  const plain = isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' }
  const childEnv = { ...others, ...plain, npm_config_yes: 'false' }
  const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  const stop = late ? AbortSignal.any([signal, late]) : signal
  const child = spawn(command, args, { cwd, env: childEnv, signal: stop, stdio: ['ignore', 'pipe', 'pipe'] })
  let answer = ''
  if (isAnswer) {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (answer.length <= MAX_ANSWER_CHARACTERS) answer += text
    })
  } else child.stdout.pipe(stderr, { end: false })
  child.stderr.pipe(stderr, { end: false })
  let ended: unknown[]
  try {
    // Not "exit": by "close" all of its output has come.
    ended = await once(child, 'close')
  } catch (cause) {
    if (late?.aborted && !signal.aborted) {
      const message = `${name} took longer than ${(timeoutMs ?? 0) / 1000} s, in ${cwd}, and was ended. Nothing was published.`
      throw new CommandError(`${type}-failed`, message, { cause })
    }
    throw new CommandError(`${type}-missing`, `${command} could not be started: ${whyNotStarted(cause, cwd)}.`, {
      cause,
    })
  }
  const [code, endedBy] = ended as [number | null, string | null]
  if (code === 0 && answer.length <= MAX_ANSWER_CHARACTERS) return answer
  stderr.write(printable(answer.slice(0, MAX_ANSWER_CHARACTERS)))
  const how = endedBy ? `was ended by ${endedBy}` : code === 0 ? 'wrote too much' : `failed with exit code ${code}`
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
