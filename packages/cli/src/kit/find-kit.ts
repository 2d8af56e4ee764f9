import { access, constants, stat } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import { createStop, type Stopped } from '@hotpatch/device-ground'
import { KitError, openKit, type Kit } from '@hotpatch/kit'
import packageJson from '../../package.json' with { type: 'json' }
import { CommandError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

export interface RootOptions {
  root?: string
}

/** The folder with kit.json: the one that is named, else this one or the next above that has one. */
export async function findRoot({ cwd }: CliContext, { root }: RootOptions): Promise<string> {
  if (root !== undefined) {
    const named = resolve(cwd, root)
    if (await isThere(join(named, 'kit.json'))) return named
    throw new CommandError(
      'kit-not-found',
      `Expected a kit.json in ${named}, found none. docs/guides/kits.md says what stands in it.`,
    )
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (await isThere(join(folder, 'kit.json'))) return folder
    if (dirname(folder) === folder) break
  }
  throw new CommandError(
    'kit-not-found',
    `Expected a kit.json in ${cwd} or above it, found none. Name its folder with --root.`,
  )
}

export async function openFoundKit(
  context: CliContext,
  options: RootOptions & { channel?: string | undefined },
): Promise<Kit> {
  const root = await findRoot(context, options)
  const { channel } = options
  return inWordsOfTool(() =>
    openKit({ root, channel, environment: context.env, installerVersion: packageJson.version, process }),
  )
}

/** What a kit says is wrong is for people, and no bug. */
export async function inWordsOfTool<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof KitError)) throw cause
    const details = cause.component === undefined ? undefined : { component: cause.component }
    throw new CommandError(cause.code, cause.message, { cause, ...(details && { details }) })
  }
}

/** Ctrl-C, as kits hear it. */
export function stoppedBy({ signal }: CliContext): Stopped {
  const stop = createStop()
  if (signal.aborted) stop.stop()
  signal.addEventListener('abort', () => stop.stop(), { once: true })
  return stop
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}

/** Of what is not there, whoever may write where it would be is asked instead. */
export async function canWrite(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
}

/** As the system would find it, when it is started in the root. */
export async function canRun(
  program: string,
  { root, env }: { root: string; env: CliContext['env'] },
): Promise<boolean> {
  const candidates = program.includes('/')
    ? [isAbsolute(program) ? program : join(root, program)]
    : (env.PATH ?? '').split(delimiter).map((folder) => join(folder, program))
  for (const path of candidates) {
    const isRunnable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isRunnable && (await isThere(path))) return true
  }
  return false
}
