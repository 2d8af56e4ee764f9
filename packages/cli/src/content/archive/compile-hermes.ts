import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { CliContext } from '../../process/context.ts'
import { CommandError } from '../../errors/errors.ts'
import { runProgram } from '../../programs/run-program.ts'
import { describeEntry, readEntryKind } from './entry-file.ts'
import { describeMeasured, isWorthIt, measureBytecode, type HermesBase } from './hermes-base.ts'

const COMPILERS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux64-bin/hermesc',
  'darwin-x64': 'osx-bin/hermesc',
  'darwin-arm64': 'osx-bin/hermesc',
  'win32-x64': 'win64-bin/hermesc.exe',
}

/**
 * Compiles a bundle in place, against the bytecode of an earlier release where that makes less to fetch, and its source map with it, as React Native's own builds do: what Metro's map says of the
 * JavaScript and what Hermes' map says of the bytecode become one.
 */
export async function compileForHermes(
  context: CliContext,
  {
    projectDirectory,
    bundle,
    findBase,
  }: { projectDirectory: string; bundle: string; findBase?: (() => Promise<HermesBase | undefined>) | undefined },
): Promise<void> {
  const reactNative = findReactNative(projectDirectory)
  const compiler = findCompiler(reactNative)
  const base = findBase && (await findBaseFor(context, compiler, { projectDirectory, findBase }))
  const directory = dirname(bundle)
  // Names in the bundle's own folder: so the bytecode does not depend on where that is.
  const name = basename(bundle)
  const alone = await compile(context, { compiler, directory, name, bytecode: `${name}.hbc` })
  const bytecode = base ? await compileAgainst(context, base, { compiler, directory, name, alone }) : alone
  await rename(join(directory, bytecode), bundle)
  await composeMaps(context, { reactNative, directory, name, compiled: `${bytecode}.map` })
}

interface Compilation {
  compiler: string
  directory: string
  name: string
}

async function compile(
  context: CliContext,
  { compiler, directory, name, bytecode, base }: Compilation & { bytecode: string; base?: string },
): Promise<string> {
  const against = base === undefined ? [] : ['-base-bytecode', base]
  const args = ['-w', '-O', '-emit-binary', '-output-source-map', ...against, '-out', bytecode, name]
  await runProgram(context, { name: 'hermesc', command: compiler, args, cwd: directory, type: 'hermes' })
  return bytecode
}

/**
 * What is in force may be missing, as before the first release. Nothing is fetched for a compiler that cannot use it.
 * @throws CommandError when the compiler cannot
 */
async function findBaseFor(
  context: CliContext,
  compiler: string,
  { projectDirectory, findBase }: { projectDirectory: string; findBase: () => Promise<HermesBase | undefined> },
): Promise<HermesBase | undefined> {
  const help = { name: 'hermesc -help', command: compiler, args: ['-help'], cwd: projectDirectory, type: 'hermes' }
  if (!(await runProgram(context, { ...help, isAnswer: true })).includes('-base-bytecode')) {
    const found = `the Hermes of this app, ${compiler}, has no option for it: it is too old`
    throw new CommandError(
      'hermes-base-unsupported',
      `--hermes-base: ${found}. Leave it out, or take a newer React Native.`,
    )
  }
  const base = await findBase()
  if (!base) context.stderr.write('Nothing is in force that it could be compiled against: it is compiled by itself.\n')
  return base
}

/** Returns which bytecode is taken. The other one goes. */
async function compileAgainst(
  context: CliContext,
  base: HermesBase,
  { alone, ...compilation }: Compilation & { alone: string },
): Promise<string> {
  const { directory, name } = compilation
  const [before, now] = [await readEntryKind(base), await readEntryKind({ path: join(directory, alone) })]
  if (before.kind !== 'hermes' || now.kind !== 'hermes' || before.bytecodeVersion !== now.bytecodeVersion) {
    const [found, made] = [describeEntry(before), describeEntry(now)]
    context.stderr.write(
      `${base.version} is ${found}, and the Hermes of this app makes ${made}: it is compiled by itself.\n`,
    )
    return alone
  }
  const against = await compile(context, { ...compilation, bytecode: `${name}.base.hbc`, base: base.path })
  const measured = {
    against: await measureBytecode(join(directory, against), base, context.signal),
    alone: await measureBytecode(join(directory, alone), base, context.signal),
  }
  context.stderr.write(`${describeMeasured(base, measured)}\n`)
  const [taken, other] = isWorthIt(measured.against, measured.alone) ? [against, alone] : [alone, against]
  for (const path of [other, `${other}.map`]) await rm(join(directory, path), { force: true })
  return taken
}

async function composeMaps(
  context: CliContext,
  {
    reactNative,
    directory,
    name,
    compiled,
  }: { reactNative: string; directory: string; name: string; compiled: string },
): Promise<void> {
  const [packager, compiler, composed] = [`${name}.packager.map`, `${name}.compiler.map`, `${name}.map`]
  if (!existsSync(join(directory, composed))) return rm(join(directory, compiled), { force: true })
  await rename(join(directory, composed), join(directory, packager))
  await rename(join(directory, compiled), join(directory, compiler))
  const script = join(reactNative, 'scripts', 'compose-source-maps.js')
  if (!existsSync(script)) {
    // The release is as good without: both are kept, and can be made one later.
    context.stderr.write(
      `Expected React Native's script for source maps at ${script}, found nothing: ${packager} and ${compiler} are kept as ` +
        'they are, and symbolicate cannot read them until they are composed.\n',
    )
    return
  }
  await runProgram(context, {
    name: 'compose-source-maps.js',
    command: process.execPath,
    args: [script, packager, compiler, '-o', composed],
    cwd: directory,
    type: 'source-maps',
  })
  await rm(join(directory, packager))
  await rm(join(directory, compiler))
}

function findReactNative(projectDirectory: string): string {
  try {
    return dirname(createRequire(join(projectDirectory, 'package.json')).resolve('react-native/package.json'))
  } catch (cause) {
    const message = `Expected react-native among the modules of ${projectDirectory}, found none. Install them, or leave out --hermes.`
    throw new CommandError('hermes-missing', message, { cause })
  }
}

/** The one that this React Native depends on: an engine runs only bytecode of its own version. */
function findCompiler(reactNative: string): string {
  const platform = `${process.platform}-${process.arch}`
  const program = COMPILERS[platform]
  if (program === undefined) {
    const message = `Hermes has no compiler for ${platform}, only for ${Object.keys(COMPILERS).join(', ')}.`
    throw new CommandError(
      'hermes-missing',
      `${message} Without --hermes JavaScript is published, which Hermes runs, too.`,
    )
  }
  const places = [...packageOf(reactNative), join(reactNative, 'sdks')].map((place) => join(place, 'hermesc', program))
  const found = places.find((place) => existsSync(place))
  if (found !== undefined) return found
  throw new CommandError('hermes-missing', `Expected the compiler of Hermes at ${places.join(' or ')}, found nothing.`)
}

/** Since it is a package of its own. */
function packageOf(reactNative: string): string[] {
  try {
    return [dirname(createRequire(join(reactNative, 'package.json')).resolve('hermes-compiler/package.json'))]
  } catch {
    return [] // older ones have it in their own folder
  }
}
