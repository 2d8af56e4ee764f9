import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join, win32 } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import type { CliContext } from '../context.ts'
import { CommandError, hasCode, systemReason } from '../errors.ts'

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
}

/** Runs React Native's bundler and returns the folder with its output. */
export async function buildBundle(context: CliContext, build: BundleBuild): Promise<string> {
  const { platform, projectDirectory, entryFile, buildDirectory } = build
  const directory = await emptyOwnFolder(buildDirectory, platform)
  const args = [
    ['react-native', 'bundle', '--platform', platform, '--dev', 'false', '--entry-file', entryFile],
    ['--bundle-output', join(directory, BUNDLE_NAMES[platform]), '--assets-dest', directory],
  ].flat()
  await runBundler(context, args, projectDirectory)
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

function runBundler({ env, stderr, signal, isTTY }: CliContext, args: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // What is bundled runs code of many people: it gets neither the token nor the key.
    const { HOTPATCH_TOKEN: _token, HOTPATCH_SIGNING_KEY: _key, ...others } = env
    // A project without React Native gets an error, not whatever the registry has under that name today.
    // Some bundlers colour what they write wherever it goes, CI logs included.
    const plain = isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' }
    const childEnv = { ...others, ...plain, npm_config_yes: 'false' }
    const { command, before } = npxCommand(process.platform, process.execPath, existsSync)
    const child = spawn(command, [...before, ...args], {
      cwd,
      env: childEnv,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.pipe(stderr, { end: false })
    child.stderr.pipe(stderr, { end: false })
    child.on('error', (cause) => {
      reject(new CommandError('bundler-missing', `npx could not be started: ${systemReason(cause)}.`, { cause }))
    })
    // Not "exit": by "close" all of its output has come.
    child.on('close', (code, endedBy) => {
      if (code === 0) return resolve()
      const how = endedBy ? `was ended by ${endedBy}` : `failed with exit code ${code}`
      const message = `npx ${args.slice(0, 4).join(' ')} ${how}, in ${cwd}. Nothing was published.`
      reject(new CommandError('bundler-failed', `${message} Its own message is above.`))
    })
  })
}
