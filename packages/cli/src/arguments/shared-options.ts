import { Option, type Command } from 'commander'
import { given } from './given.ts'
import { readBoolean, readLimit, readNativeRange, readNativeVersion } from './readers.ts'

/** How to reach the server. */
export interface ConnectionOptions {
  url?: string
  token?: string
  server?: string
}

export interface AppOptions {
  app?: string
}

export interface JsonOptions {
  json?: boolean
}

export interface ConsentOptions {
  yes?: boolean
}

export interface PageOptions {
  limit?: number
  cursor?: string
}

export interface KeyOptions {
  key?: string
  /** False after `--no-sign`. */
  sign?: boolean
  allowSequenceJump?: boolean
}

/** Of commands that state an old release again. */
export interface RestatingOptions extends KeyOptions {
  bundle?: string
  minNative?: string
  nativeRange?: string
  runtimeVersion?: string
  belowFloor?: boolean
}

export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'address of the server')
    .option('--server <name>', 'a server by the name that login --server gave it')
    .option('--token <token>', 'API token; HOTPATCH_TOKEN keeps it out of the list of processes')
}

export function withApp(command: Command): Command {
  return command.option('--app <app>', 'id or slug of the app')
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON value')
}

export function withYes(command: Command): Command {
  return command.option('-y, --yes', 'do not ask')
}

export function withSigning(command: Command): Command {
  return withGroup(command, 'Signing:', (grouped) =>
    grouped
      .option(
        '--key <file>',
        '~/.rn-ota/signing_key.pem, or what HOTPATCH_SIGNING_KEY holds, when absent; - reads stdin',
      )
      .option('--no-sign', 'do not sign')
      .option('--allow-sequence-jump', 'sign the sequence that the server names, however high it is'),
  )
}

/** For what is stated again although nobody signed it then, or although a floor stands against it. */
export function withRestating(command: Command): Command {
  return withGroup(withSigning(command), 'Signing:', (grouped) =>
    grouped
      .option('--bundle <zip>', 'of a release that was published unsigned: sign these bytes')
      .option('--min-native <version>', 'with --bundle: what it needs of the native app', readNativeVersion)
      .option('--native-range <range>', 'with --bundle: what it needs of the native app', readNativeRange)
      .option('--runtime-version <version>', 'with --bundle: what it needs of the native app')
      .option('--below-floor', 'although a later release barred devices from going back so far'),
  )
}

/** In help these options stand together, under a heading of their own. */
export function withGroup(command: Command, heading: string, add: (command: Command) => Command): Command {
  return add(command.optionsGroup(heading)).optionsGroup('')
}

export function withPage(command: Command): Command {
  return command
    .option('--limit <count>', 'how many at most, up to 200', readLimit)
    .option('--cursor <cursor>', 'continue a list: nextCursor of the page before')
}

export function pageQuery({ limit, cursor }: PageOptions) {
  return given({ limit, cursor })
}

/** Whether it is a version, the server says. */
export function mandatoryBelowOption(): Option {
  return new Option('--mandatory-below <version>', 'apply at once on app binaries below this version')
}

/** `--mandatory` alone is true, as everywhere; the value is there so that scripts can pass one. */
export function mandatoryOption(): Option {
  return new Option('--mandatory [boolean]', 'apply at once instead of at the next start').argParser(readBoolean)
}

/** Options that most commands have come last in help. */
export function compareForHelp(a: Option, b: Option): number {
  const shared = ['--app', '--url', '--server', '--token', '--json', '--yes', '--help']
  return shared.indexOf(a.long ?? '') - shared.indexOf(b.long ?? '')
}

/** A command of the server's: with `--url`, `--token`, `--json`, and what else `parts` add. */
export function serverCommand(parent: Command, name: string, description: string, ...parts: CommandPart[]): Command {
  const command = parent.command(name).description(description)
  return [...parts, withConnection, withJson].reduce((built, add) => add(built), command)
}

type CommandPart = (command: Command) => Command
