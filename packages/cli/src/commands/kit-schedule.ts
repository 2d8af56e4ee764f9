import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  launchAgent,
  readScheduleInterval,
  readScheduleWindow,
  SCHEDULE_MARK,
  systemdUnits,
  type KitSchedule,
  type ScheduleFile,
} from '@hotpatch/kit/schedule'
import { Option, type Command } from 'commander'
import { withJson, type JsonOptions } from '../arguments/shared-options.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { createOutput } from '../output/output.ts'
import type { CliContext } from '../process/context.ts'

interface ScheduleOptions extends JsonOptions {
  root?: string
  every: string
  window?: string
  applyShell?: boolean
  system?: boolean
  scheduler?: Scheduler
  tool?: string
  directory?: string
  write?: boolean
  print?: boolean
  remove?: boolean
}

type Scheduler = 'systemd' | 'launchd'

/** Kits §6: a timer of the system that looks for updates, written and explained, and started by whoever wants it. */
export function addKitScheduleCommand(kit: Command, context: CliContext) {
  withJson(kit.command('schedule'))
    .description(
      'writes a timer of systemd or launchd that looks for updates; it runs this tool, and nothing of a release',
    )
    .option('--root <folder>', 'where the kit is installed; this folder when absent')
    .option('--every <time>', '1h to 24h, or 7d', '24h')
    .option('--window <hours>', 'only in these hours of the day, once, such as 02:00-05:00')
    .option('--apply-shell', 'applies what "consent" of kit.json allows unasked, too')
    .option('--system', 'for the machine, and not for you alone')
    .addOption(new Option('--scheduler <name>', 'that of this system when absent').choices(['systemd', 'launchd']))
    .option('--tool <file>', 'the script that is run; this one when absent')
    .option('--directory <folder>', 'where the files go; where the system looks for them when absent')
    .option('--write', 'writes them')
    .option('--print', 'prints them')
    .option('--remove', 'removes what was written')
    .action((options: ScheduleOptions) => scheduleKit(context, options))
}

async function scheduleKit(context: CliContext, options: ScheduleOptions): Promise<void> {
  const chosen = (['write', 'print', 'remove'] as const).filter((name) => options[name])
  if (chosen.length !== 1) throw new UsageError('Expected one of --write, --print and --remove.')
  const root = resolve(context.cwd, options.root ?? '.')
  if (!options.remove && !existsSync(join(root, 'kit.json'))) {
    throw new CommandError('kit-not-found', `Expected a kit.json in ${root}, found none. Name its folder by --root.`)
  }
  const scheduler = options.scheduler ?? schedulerOfThisSystem()
  const schedule = scheduleOf(options, root)
  const files = inWordsOfUsage(() => (scheduler === 'systemd' ? systemdUnits(schedule) : [launchAgent(schedule)]))
  const directory = directoryOf(context, options, scheduler)
  const output = createOutput(context, options.json ?? false)
  if (options.print) {
    output.result({ directory, files }, () => {
      for (const { name, text } of files) output.line(`# ${join(directory, name)}\n${text}`)
    })
    return
  }
  const paths = files.map(({ name }) => join(directory, name))
  const commands = commandsOf(scheduler, files, { directory, isSystem: schedule.scope === 'system' })
  if (options.remove) {
    const removed = await removeFiles(paths)
    output.result({ removed, commands: commands.off }, () => {
      for (const path of removed) output.line(`Removed ${path}`)
      if (removed.length === 0) output.line(`There is none in ${directory}.`)
      else output.line(`If it is running: ${commands.off}`)
    })
    return
  }
  await writeFiles(directory, files)
  output.result({ written: paths, commands: commands.on }, () => {
    for (const path of paths) output.line(`Written ${path}`)
    output.line(`Start it: ${commands.on}`)
  })
}

function scheduleOf(options: ScheduleOptions, root: string): KitSchedule {
  const { every, window, applyShell = false, system = false, tool = process.argv[1] } = options
  if (tool === undefined) throw new UsageError('Expected --tool with the script that is to be run.')
  const interval = inWordsOfUsage(() => readScheduleInterval(every))
  if (window !== undefined && interval.kind === 'hours') {
    throw new UsageError('--window is for once a day or once a week: --every 24h, or --every 7d.')
  }
  return {
    root,
    command: [process.execPath, resolve(tool)],
    every: interval,
    window: window === undefined ? undefined : inWordsOfUsage(() => readScheduleWindow(window)),
    appliesShell: applyShell,
    scope: system ? 'system' : 'user',
    random: Math.random,
  }
}

function inWordsOfUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

function schedulerOfThisSystem(): Scheduler {
  if (process.platform === 'darwin') return 'launchd'
  if (process.platform === 'linux') return 'systemd'
  throw new UsageError('Expected --scheduler: this system has neither systemd nor launchd.')
}

function directoryOf({ env }: CliContext, { directory, system }: ScheduleOptions, scheduler: Scheduler): string {
  if (directory !== undefined) return resolve(directory)
  if (system) return scheduler === 'systemd' ? '/etc/systemd/system' : '/Library/LaunchDaemons'
  const home = env.HOME
  if (home === undefined) throw new UsageError('Expected HOME in the environment, or --directory.')
  if (scheduler === 'launchd') return join(home, 'Library/LaunchAgents')
  return join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'systemd/user')
}

/** Each at once: a scheduler that reads them meanwhile reads the old one or the new one. */
async function writeFiles(directory: string, files: readonly ScheduleFile[]): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const { name } of files) await expectOurs(join(directory, name))
  for (const { name, text } of files) {
    const path = join(directory, name)
    await writeFile(`${path}.new`, text, { mode: 0o644 })
    await rename(`${path}.new`, path)
  }
}

async function removeFiles(paths: readonly string[]): Promise<string[]> {
  const removed: string[] = []
  for (const path of paths) {
    if (!(await expectOurs(path))) continue
    await rm(path)
    removed.push(path)
  }
  return removed
}

/** False when there is none. @throws CommandError when it is somebody else's */
async function expectOurs(path: string): Promise<boolean> {
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return false
  if (found.includes(SCHEDULE_MARK)) return true
  throw new CommandError('file-exists', `${path} was not written by this command. Move it away first.`)
}

function commandsOf(
  scheduler: Scheduler,
  files: readonly ScheduleFile[],
  { directory, isSystem }: { directory: string; isSystem: boolean },
): { on: string; off: string } {
  const name = files.at(-1)?.name ?? ''
  if (scheduler === 'systemd') {
    const systemctl = isSystem ? 'systemctl' : 'systemctl --user'
    return {
      on: `${systemctl} daemon-reload && ${systemctl} enable --now ${name}`,
      off: `${systemctl} disable --now ${name}; ${systemctl} daemon-reload`,
    }
  }
  const domain = isSystem ? 'system' : 'gui/$(id -u)'
  return {
    on: `launchctl bootstrap ${domain} "${join(directory, name)}"`,
    off: `launchctl bootout ${domain}/${name.replace(/\.plist$/, '')}`,
  }
}
