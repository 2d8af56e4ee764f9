import { existsSync } from 'node:fs'
import { npxCommand } from '../content/archive/build-bundle.ts'
import { CommandError } from '../errors/errors.ts'
import { runProgram } from '../programs/run-program.ts'
import type { CliContext } from '../process/context.ts'
import type { ExpoProject } from './expo-project.ts'

type Fields = Record<string, unknown>

const QUESTION_MS = 5 * 60_000
/** Large apps on small machines. */
const EXPORT_MS = 60 * 60_000

/** Runs a program of the app's own Expo, which shows what it says. */
export async function runExpo(context: CliContext, project: ExpoProject, words: readonly string[]): Promise<void> {
  await runProgram(context, { ...callOf(project, words), timeoutMs: EXPORT_MS })
}

/** Asks one for an object. */
export async function askExpo(context: CliContext, project: ExpoProject, words: readonly string[]): Promise<Fields> {
  const call = callOf(project, words)
  const answer = await runProgram(context, { ...call, timeoutMs: QUESTION_MS, isAnswer: true })
  // What else is said, such as which files the environment came from, stands before.
  const texts = [answer, answer.trim().split('\n').at(-1) ?? '']
  for (const text of texts) {
    const found = parse(text)
    if (found) return found
  }
  const said = answer.trim().slice(0, 200) || 'nothing'
  throw new CommandError('expo-failed', `Expected JSON from ${call.name}, in ${call.cwd}, found: ${said}`)
}

function callOf({ directory }: ExpoProject, words: readonly string[]) {
  const { command, before } = npxCommand(process.platform, process.execPath, existsSync)
  const name = ['npx', ...words].join(' ')
  return { name, command, args: [...before, ...words], cwd: directory, type: 'expo' }
}

function parse(text: string): Fields | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Fields) : undefined
  } catch {
    return undefined // other text stands around it
  }
}
