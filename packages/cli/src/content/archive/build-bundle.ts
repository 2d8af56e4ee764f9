import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join, win32 } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import type { CliContext } from '../../process/context.ts'
import { CommandError, hasCode, systemReason } from '../../errors/errors.ts'
import { compileForHermes } from './compile-hermes.ts'
import type { HermesBase } from './hermes-base.ts'
import { runProgram } from '../../programs/run-program.ts'

/** Platforms that React Native's bundler knows, with the name that the SDKs look for. */
export const BUNDLE_NAMES = { android: 'index.android.bundle', ios: 'main.jsbundle' } as const

export function isBundled(platform: Platform): platform is keyof typeof BUNDLE_NAMES {
  return platform in BUNDLE_NAMES
}

export function bundleNameOf(platform: Platform): string | undefined {
  return isBundled(platform) ? BUNDLE_NAMES[platform] : undefined
}

export interface BundleBuild {
  platform: keyof typeof BUNDLE_NAMES
  projectDirectory: string
  /** Relative to the project, as the bundler puts it into the bundle. */
  entryFile: string
  buildDirectory: string
  /** Whether it becomes bytecode of the app's own Hermes. */
  isForHermes: boolean
  /** What that may be compiled against. */
  findHermesBase?: (() => Promise<HermesBase | undefined>) | undefined
}

/** Runs React Native's bundler and returns the folder with its output, the source map beside the bundle. */
export async function buildBundle(context: CliContext, build: BundleBuild): Promise<string> {
  const { platform, projectDirectory, entryFile, buildDirectory, isForHermes } = build
  const directory = await emptyOwnFolder(buildDirectory, platform)
  const bundle = join(directory, BUNDLE_NAMES[platform])
  const args = [
    ['react-native', 'bundle', '--platform', platform, '--dev', 'false', '--entry-file', entryFile],
    ['--bundle-output', bundle, '--assets-dest', directory],
    ['--sourcemap-output', `${bundle}.map`],
    // As React Native itself does: bytecode gets no smaller by it, and traces keep the names of functions.
    isForHermes ? ['--minify', 'false'] : [],
  ].flat()
  const { command, before } = npxCommand(process.platform, process.execPath, existsSync)
  const name = `npx react-native bundle --platform ${platform}`
  await runProgram(context, { name, command, args: [...before, ...args], cwd: projectDirectory, type: 'bundler' })
  if (isForHermes) await compileForHermes(context, { projectDirectory, bundle, findBase: build.findHermesBase })
  if (!existsSync(`${bundle}.map`)) {
    context.stderr.write('The bundler wrote no source map: traces of this release cannot be read with symbolicate.\n')
  }
  return directory
}

/** Files of an earlier build would be published again. The folder's name says whose it is: no other is ever emptied. */
async function emptyOwnFolder(buildDirectory: string, platform: string): Promise<string> {
  const directory = join(buildDirectory, `hotpatch-${platform}`)
  try {
    await rm(directory, { recursive: true, force: true })
    await mkdir(directory, { recursive: true })
  } catch (cause) {
    const reason = hasCode(cause, 'EEXIST', 'ENOTDIR') ? 'there is a file of that name' : systemReason(cause)
    throw new CommandError('build-dir-unwritable', `Cannot build into ${directory}: ${reason}.`, { cause })
  }
  return directory
}

/**
 * On Windows npx is a batch file, which Node starts only in a shell, where paths with blanks or "&" would be commands.
 * So its script is run, which npm has beside Node.
 */
export function npxCommand(platform: NodeJS.Platform, nodePath: string, exists: (path: string) => boolean) {
  if (platform !== 'win32') return { command: 'npx', before: [] }
  const script = win32.join(win32.dirname(nodePath), 'node_modules', 'npm', 'bin', 'npx-cli.js')
  if (exists(script)) return { command: nodePath, before: [script] }
  throw new CommandError(
    'bundler-missing',
    `Expected npm beside Node, at ${script}, and found nothing. Install Node with npm, or give --bundle-dir.`,
  )
}
