// Compiles a JavaScript bundle in place to Hermes bytecode: node scripts/hermesc.mjs BUNDLE
import { spawnSync } from 'node:child_process'
import { existsSync, openSync, readSync, closeSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'

const bytecodeMagic = 'c61fbc03c103191f'

const compilers = {
  'linux-x64': 'linux64-bin/hermesc',
  'darwin-x64': 'osx-bin/hermesc',
  'darwin-arm64': 'osx-bin/hermesc',
  'win32-x64': 'win64-bin/hermesc.exe',
}

function findCompiler() {
  // The compiler has to be the one that this React Native depends on: an engine runs only
  // bytecode of its own version.
  const reactNative = createRequire(import.meta.url).resolve('react-native/package.json')
  const folder = dirname(createRequire(reactNative).resolve('hermes-compiler/package.json'))
  const platform = `${process.platform}-${process.arch}`
  const program = compilers[platform] && join(folder, 'hermesc', compilers[platform])
  if (program && existsSync(program)) return program
  throw new Error(
    `hermes-compiler has no compiler for ${platform}, only for ${Object.keys(compilers).join(', ')}. ` +
      'Release the JavaScript bundle as it is: Hermes runs it too, but starts slower.',
  )
}

function isBytecode(file) {
  const start = Buffer.alloc(bytecodeMagic.length / 2)
  const descriptor = openSync(file, 'r')
  readSync(descriptor, start, 0, start.length, 0)
  closeSync(descriptor)
  return start.toString('hex') === bytecodeMagic
}

function compileInPlace(bundle) {
  const directory = dirname(bundle)
  const name = basename(bundle)
  const output = `.${name}.${process.pid}.hbc`
  try {
    // Relative names in the bundle's own folder, so that the bytecode does not depend on where that is.
    const { error, status, signal } = spawnSync(findCompiler(), ['-w', '-O', '-emit-binary', '-out', output, name], {
      cwd: directory,
      stdio: 'inherit',
    })
    if (error) throw new Error(`hermesc could not be started: ${error.message}`, { cause: error })
    if (status !== 0) throw new Error(`hermesc failed (${signal ?? `exit code ${status}`}); ${bundle} is unchanged.`)
    renameSync(join(directory, output), bundle)
  } finally {
    rmSync(join(directory, output), { force: true })
  }
}

function main(args) {
  if (args.length !== 1) {
    console.error('Usage: node scripts/hermesc.mjs BUNDLE')
    return 2
  }
  const bundle = resolve(args[0])
  try {
    if (isBytecode(bundle)) {
      console.log(`${args[0]} is Hermes bytecode already.`)
      return 0
    }
    const before = statSync(bundle).size
    compileInPlace(bundle)
    console.log(`${args[0]}: ${before} bytes of JavaScript, ${statSync(bundle).size} bytes of bytecode.`)
    return 0
  } catch (error) {
    console.error(error.message)
    return 1
  }
}

process.exitCode = main(process.argv.slice(2))
