import { readArray, readInteger, readString, UnexpectedJsonError } from '@hotpatch/protocol'
import type { HookCommand } from '../ground/hooks.ts'
import type { MigrationBackup, MigrationHooks, ServiceHooks } from './installation.ts'
import type { Mistakes } from './installation-mistakes.ts'
import { readKitPath } from './installation-paths.ts'

/** Kits §5.2: of a hook that does not say it. */
export const DEFAULT_HOOK_TIMEOUT_MS = 60_000
/** Of migrations, and of what saves and restores. */
export const DEFAULT_MIGRATION_TIMEOUT_MS = 600_000
const MAX_TIMEOUT_MS = 3_600_000
const MAX_ARGUMENTS = 64
const MAX_BACKUPS = 20

// oxlint-disable-next-line no-control-regex -- a program's arguments end at a zero byte
const ARGUMENT = /^[^\u0000]{0,4096}$/
const NOTHING_TO_RUN: HookCommand = { run: [''], timeoutMs: DEFAULT_HOOK_TIMEOUT_MS }

/** Kits §5.2: a program and its arguments, or an object that also says how long it may take. Never a line for a shell. */
export function readHook(
  mistakes: Mistakes,
  value: unknown,
  pointer: string,
  defaultTimeoutMs: number = DEFAULT_HOOK_TIMEOUT_MS,
): HookCommand {
  if (typeof value === 'string') {
    const example = JSON.stringify(value.trim().split(/\s+/).slice(0, 5))
    mistakes.tell(pointer, `a program and its arguments, such as ${example}, as no shell reads them`, 'a text')
    return NOTHING_TO_RUN
  }
  if (Array.isArray(value)) return { run: readRun(mistakes, value, pointer), timeoutMs: defaultTimeoutMs }
  const json = mistakes.fields(value, pointer, ['run', 'timeoutMs'])
  const timeoutMs = mistakes.attempt(defaultTimeoutMs, () => readTimeout(json.timeoutMs ?? defaultTimeoutMs, pointer))
  return { run: readRun(mistakes, json.run, `${pointer}/run`), timeoutMs }
}

function readTimeout(value: unknown, pointer: string): number {
  const timeoutMs = readInteger(value, `${pointer}/timeoutMs`, 1)
  if (timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
  throw new UnexpectedJsonError(`${pointer}/timeoutMs`, `at most ${MAX_TIMEOUT_MS}, an hour`, timeoutMs)
}

function readRun(mistakes: Mistakes, value: unknown, pointer: string): HookCommand['run'] {
  return mistakes.attempt(NOTHING_TO_RUN.run, () => {
    const [program, ...more] = readArray(value, pointer, MAX_ARGUMENTS).map((each, index) =>
      readString(each, `${pointer}/${index}`, { pattern: ARGUMENT, expected: 'a text of at most 4,096 characters' }),
    )
    if (!program) throw new UnexpectedJsonError(pointer, 'a program and its arguments', value)
    return [program, ...more] as const
  })
}

export function readService(mistakes: Mistakes, value: unknown, pointer: string): ServiceHooks {
  const names = ['stop', 'start', 'restart', 'isRunning'] as const
  const json = mistakes.fields(value, pointer, names)
  const service: ServiceHooks = {}
  for (const name of names) {
    if (json[name] !== undefined) service[name] = readHook(mistakes, json[name], `${pointer}/${name}`)
  }
  if (!service.restart && Boolean(service.stop) !== Boolean(service.start)) {
    const [missing, found] = service.stop ? ['start', 'stop'] : ['stop', 'start']
    mistakes.tell(pointer, `${missing}, too, or restart in the place of both`, `${found} alone`)
  }
  return service
}

export function readMigration(mistakes: Mistakes, value: unknown, pointer: string): MigrationHooks {
  const json = mistakes.fields(value, pointer, ['run', 'backup'])
  const backup = mistakes.attempt([], () => readArray(json.backup ?? [], `${pointer}/backup`, MAX_BACKUPS))
  return {
    run: readHook(mistakes, json.run, `${pointer}/run`, DEFAULT_MIGRATION_TIMEOUT_MS),
    backup: backup.map((each, index) => readBackup(mistakes, each, `${pointer}/backup/${index}`)),
  }
}

function readBackup(mistakes: Mistakes, value: unknown, pointer: string): MigrationBackup {
  const { kind } = mistakes.attempt<Record<string, unknown>>({}, () => readKindOf(value, pointer))
  if (kind === 'commands') {
    const json = mistakes.fields(value, pointer, ['kind', 'save', 'restore'])
    const hook = (name: string) => readHook(mistakes, json[name], `${pointer}/${name}`, DEFAULT_MIGRATION_TIMEOUT_MS)
    return { kind, save: hook('save'), restore: hook('restore') }
  }
  const json = mistakes.fields(value, pointer, ['kind', 'path'])
  return { kind: kind === 'sqlite' ? kind : 'file', path: readKitPath(mistakes, json.path, `${pointer}/path`) }
}

function readKindOf(value: unknown, pointer: string): { kind: string } {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined
  if (kind === 'file' || kind === 'sqlite' || kind === 'commands') return { kind }
  throw new UnexpectedJsonError(`${pointer}/kind`, 'file, sqlite or commands', kind)
}
