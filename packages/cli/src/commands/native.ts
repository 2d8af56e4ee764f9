import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import { readNativeVersion } from '../arguments/readers.ts'
import { withJson, type JsonOptions } from '../arguments/shared-options.ts'
import { UsageError, Verdict } from '../errors/errors.ts'
import { openGitTrees, type GitTrees } from '../native/git-tree.ts'
import {
  MINIMUM_FILE,
  minimumFor,
  readMinimum,
  readMinimumFile,
  writeMinimumFile,
} from '../native/minimum-native-version.ts'
import { describeNativeChange, findNativeChanges, type NativeChange } from '../native/native-changes.ts'
import { createOutput } from '../output/output.ts'
import type { CliContext } from '../process/context.ts'

/** What scripts branch on; 1 and 2 are failures of every command. */
const CHANGED = 10

interface ChangedOptions extends JsonOptions {
  from: string
  to: string
  project?: string
  path: string[]
}

interface StampOptions extends Omit<ChangedOptions, 'from'> {
  from?: string
  first?: boolean
  version: string
  file: string
  dryRun?: boolean
}

export function addNativeCommands(program: Command, context: CliContext) {
  const native = program
    .command('native')
    .description('tells whether the shell of a Capacitor app changed, which only a store can update')
  withPlace(native.command('changed'))
    .description(`compares two commits: exit code 0 when the shell is the same, ${CHANGED} when it changed`)
    .requiredOption('--from <ref>', 'commit or tag of the release before', readRef)
    .action((options: ChangedOptions) => runChanged(context, options))
  withPlace(native.command('stamp'))
    .description(`raises ${MINIMUM_FILE} to the release's version when the shell changed`)
    .requiredOption('--version <version>', 'of the release that is being made', readNativeVersion)
    .option('--from <ref>', 'commit or tag of the release before', readRef)
    .option('--first', 'there is no release before')
    .option('--file <file>', 'within the project', MINIMUM_FILE)
    .option('--dry-run', 'write nothing')
    .action((options: StampOptions) => runStamp(context, options))
}

function withPlace(command: Command): Command {
  return withJson(command)
    .option('--to <ref>', 'commit that is being released', readRef, 'HEAD')
    .option('--project <folder>', "the app's, in the repository; the working folder when absent")
    .option('--path <path>', 'within the project, is part of the shell, too; more than once', collectPath, [])
}

async function runChanged(context: CliContext, options: ChangedOptions) {
  const { trees, changes } = await compare(context, options.from, options)
  const output = createOutput(context, options.json ?? false)
  const result = { changed: changes.length > 0, from: trees.from, to: trees.to, reasons: changes }
  output.result(result, () => {
    const span = `between ${trees.from.ref} and ${trees.to.ref}`
    output.line(changes.length > 0 ? `The shell changed ${span}:` : `The shell is the same ${span}.`)
    for (const change of changes) output.line(`  ${describeNativeChange(change)}`)
  })
  if (changes.length > 0) throw new Verdict(CHANGED)
}

async function runStamp(context: CliContext, options: StampOptions) {
  const { from, first, version, file, dryRun = false } = options
  if ((from === undefined) !== (first ?? false)) {
    throw new UsageError('Say which release came before with --from, or that there is none with --first.')
  }
  const path = join(projectOf(context, options), file)
  const compared = from === undefined ? undefined : await compare(context, from, options)
  const before = compared && (await readMinimumAt(compared.trees, file))
  const changes = compared?.changes ?? []
  const minimum = minimumFor({ version, before, isChanged: changes.length > 0 })
  const present = await readMinimumFile(path)
  const isWritten = present !== minimum && !dryRun
  if (isWritten) await writeMinimumFile(path, minimum)
  const output = createOutput(context, options.json ?? false)
  const result = { minNativeVersion: minimum, before: before ?? null, present: present ?? null, written: isWritten }
  output.result({ ...result, changed: changes.length > 0, reasons: changes }, () => {
    output.line(stampLine(minimum, { file, present, before, isWritten }))
    for (const change of changes) output.line(`  ${describeNativeChange(change)}`)
  })
}

function stampLine(
  minimum: string,
  told: { file: string; present: string | undefined; before: string | undefined; isWritten: boolean },
): string {
  const { file, present, before, isWritten } = told
  const why = before === minimum ? 'as the release before requires' : 'which this release needs a shell of'
  if (present === minimum) return `${file} says ${minimum} already, ${why}.`
  const was = present === undefined ? '' : ` instead of ${present}`
  return `${file} ${isWritten ? 'now says' : 'would say'} ${minimum}${was}, ${why}.`
}

async function compare(
  context: CliContext,
  from: string,
  options: Pick<ChangedOptions, 'to' | 'project' | 'path'>,
): Promise<{ trees: GitTrees; changes: NativeChange[] }> {
  const directory = projectOf(context, options)
  const trees = await openGitTrees(context, directory, { from, to: options.to })
  return { trees, changes: await findNativeChanges(trees, directory, options.path) }
}

async function readMinimumAt(trees: GitTrees, file: string): Promise<string | undefined> {
  const text = await trees.read(trees.from, `${trees.prefix}${file}`)
  return text === undefined ? undefined : readMinimum(text, `${file} of ${trees.from.ref}`)
}

function projectOf({ cwd }: CliContext, { project = '.' }: { project?: string }): string {
  return resolve(cwd, project)
}

function readRef(text: string): string {
  if (text !== '' && !text.startsWith('-')) return text
  throw new InvalidArgumentError('Expected a commit, such as a tag, a branch or HEAD~1.')
}

function collectPath(text: string, before: readonly string[]): string[] {
  const path = relative('.', text).split(sep).join('/')
  if (path !== '' && path !== '..' && !path.startsWith('../') && !isAbsolute(text)) return [...before, path]
  throw new InvalidArgumentError('Expected a path within the project, such as resources.')
}
