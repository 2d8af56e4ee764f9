import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { resolve } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import { readPlatform, readVersion } from '../arguments/readers.ts'
import { withJson, type JsonOptions } from '../arguments/shared-options.ts'
import { bundleNameOf } from '../content/archive/build-bundle.ts'
import { findProject, type Project } from '../config/project-file.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, systemReason, UsageError } from '../errors/errors.ts'
import { createOutput } from '../output/output.ts'
import { chooseMap, findKeptMaps, type KeptMaps } from '../symbolicate/kept-maps.ts'
import { readSourceMap, type BundleMap } from '../symbolicate/read-source-map.ts'
import { symbolicateTrace, type Frame } from '../symbolicate/stack-trace.ts'

interface SymbolicateOptions extends JsonOptions {
  version?: string
  platform?: Platform
  digest?: string
  map?: string
  app?: string
  buildDir?: string
}

const MAX_TRACE_CHARACTERS = 1_000_000

export function addSymbolicateCommand(program: Command, context: CliContext) {
  withJson(program.command('symbolicate'))
    .description('reads a stack trace of a release with the source map that was kept of it')
    .argument('[file]', 'with the trace; stdin when absent')
    .option('--version <version>', 'of the release that it comes from', readVersion)
    .option('--platform <platform>', 'of that release', readPlatform)
    .option('--digest <sha256>', "the SHA-256 of that release's zip, or its beginning", readDigest)
    .option('--map <file>', 'this source map, instead of one that was kept')
    .option('--app <app>', 'slug of the app; that of hotpatch.json when absent')
    .option('--build-dir <folder>', 'where release kept the maps; ./build when absent')
    .action((file: string | undefined, options: SymbolicateOptions) => symbolicate(context, file, options))
}

function readDigest(text: string): string {
  if (/^[0-9a-f]{8,64}$/i.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError('Expected a SHA-256 in hexadecimal, or at least its first 8 digits.')
}

async function symbolicate(context: CliContext, file: string | undefined, options: SymbolicateOptions) {
  const output = createOutput(context, options.json ?? false)
  const project = await findProject(context.cwd)
  const { kept, path } = await findMap(context, project, options)
  const map = await readSourceMap(path, kept?.root ?? project?.directory ?? context.cwd)
  const platform = (kept?.platform as Platform | undefined) ?? options.platform
  const trace = await readTrace(context, file)
  const { text, frames } = symbolicateTrace(trace, map, platform && bundleNameOf(platform))
  if (kept) output.notice(`With the map of ${kept.app} ${kept.version} for ${kept.platform}: ${path}`)
  requireFound(frames, map, path)
  const unknown = frames.filter(({ original }) => original === undefined)
  if (unknown.length > 0)
    output.notice(`Not in the map, and left as they are: ${unknown.length} of ${frames.length} frames.`)
  const release = kept && { app: kept.app, platform: kept.platform, version: kept.version, sha256: kept.sha256 }
  const shown = frames.map(({ isAddress: _, original, ...frame }) => ({ ...frame, original: original ?? null }))
  output.result({ release: release ?? null, map: path, trace: text, frames: shown }, () => {
    for (const line of text.trimEnd().split('\n')) output.line(line)
  })
}

async function findMap(context: CliContext, project: Project | undefined, options: SymbolicateOptions) {
  const { version, platform, digest, map, buildDir } = options
  if (map !== undefined) {
    const other = version ?? digest
    if (other !== undefined) throw new UsageError('Give --map, or say which release it is, not both.')
    return { kept: undefined, path: resolve(context.cwd, map) }
  }
  if (version === undefined && digest === undefined) {
    throw new UsageError('Say which release the trace comes from: --version 1.2.0 --platform android, or --digest.')
  }
  const own = resolve(project?.directory ?? context.cwd, project?.defaults.buildDir ?? 'build')
  const buildDirectory = buildDir === undefined ? own : resolve(context.cwd, buildDir)
  const app = options.app ?? project?.app
  const kept: KeptMaps = await findKeptMaps(buildDirectory, { version, platform, digest, app })
  return { kept, path: await chooseMap(kept) }
}

async function readTrace({ stdin, cwd, isTTY, stderr }: CliContext, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== '-') return readBounded(createReadStream(resolve(cwd, file)), resolve(cwd, file))
  if (isTTY) stderr.write('Paste the trace, and end it with Ctrl-D.\n')
  return readBounded(stdin, 'standard input')
}

async function readBounded(from: Readable, name: string): Promise<string> {
  let text = ''
  from.setEncoding('utf8')
  try {
    for await (const chunk of from) {
      text += String(chunk)
      if (text.length > MAX_TRACE_CHARACTERS) break
    }
  } catch (cause) {
    throw new CommandError('trace-unreadable', `The trace cannot be read from ${name}: ${systemReason(cause)}.`, {
      cause,
    })
  }
  if (text.length <= MAX_TRACE_CHARACTERS) return text
  const message = `Expected a stack trace of at most ${MAX_TRACE_CHARACTERS} characters, found more in ${name}. Cut out the trace.`
  throw new CommandError('trace-too-large', message)
}

/** What cannot be read is said, instead of a trace that is as it was. */
function requireFound(frames: readonly Frame[], map: BundleMap, path: string) {
  if (frames.length === 0) {
    const expected = 'such as "at name (address at index.android.bundle:1:12345)" or "name@main.jsbundle:1:12345"'
    throw new CommandError('no-frames', `Expected a stack trace with frames of a bundle, ${expected}; found none.`)
  }
  if (frames.some(({ original }) => original !== undefined)) return
  const isAddresses = frames.some(({ isAddress }) => isAddress)
  const advice =
    isAddresses && !map.isOfBytecode
      ? "The trace is of Hermes bytecode, and the map of the JavaScript that it was compiled from. The map of the bytecode comes from hermesc -output-source-map, and is made one with Metro's by React Native's scripts/compose-source-maps.js; release --hermes does both."
      : 'Is the trace of this very release? A device says what it runs: devices show.'
  throw new CommandError('frames-unknown', `None of the ${frames.length} frames is in the map ${path}. ${advice}`)
}
