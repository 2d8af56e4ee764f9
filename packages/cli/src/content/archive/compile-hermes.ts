import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { CliContext } from '../../process/context.ts'
import { CommandError } from '../../errors/errors.ts'
import { runProgram } from '../../programs/run-program.ts'

const COMPILERS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux64-bin/hermesc',
  'darwin-x64': 'osx-bin/hermesc',
  'darwin-arm64': 'osx-bin/hermesc',
  'win32-x64': 'win64-bin/hermesc.exe',
}

/**
 * Compiles a bundle in place, and its source map with it, as React Native's own builds do: what Metro's map says of the
 * JavaScript and what Hermes' map says of the bytecode become one.
 */
export async function compileForHermes(
  context: CliContext,
  { projectDirectory, bundle }: { projectDirectory: string; bundle: string },
): Promise<void> {
  const reactNative = findReactNative(projectDirectory)
  const directory = dirname(bundle)
  // Names in the bundle's own folder: so the bytecode does not depend on where that is.
  const name = basename(bundle)
  const bytecode = `${name}.hbc`
  await runProgram(context, {
    name: 'hermesc',
    command: findCompiler(reactNative),
    args: ['-w', '-O', '-emit-binary', '-output-source-map', '-out', bytecode, name],
    cwd: directory,
    type: 'hermes',
  })
  await rename(join(directory, bytecode), bundle)
  await composeMaps(context, { reactNative, directory, name, compiled: `${bytecode}.map` })
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
