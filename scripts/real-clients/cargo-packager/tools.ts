import { execFile } from 'node:child_process'
import { access, cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { attempt } from '../attempt.ts'

/** Whose `signer` makes the keys and signatures. */
const TAURI_CLI = '2.12.5'
const APP = fileURLToPath(new URL('app', import.meta.url))
/** Cold, on two processors, it takes less than a minute. */
const BUILD_MS = 8 * 60_000

const exec = promisify(execFile)

/**
 * The app, built with cargo-packager-updater as it is published.
 * @throws MissingTool when there is no cargo, or the crates cannot be had
 */
export async function buildApp(folder: string): Promise<string> {
  const cargo = process.env.CARGO_PATH ?? 'cargo'
  await attempt('cargo', exec(cargo, ['--version']))
  const source = join(folder, 'app')
  await cp(APP, source, { recursive: true })
  const target = join(folder, 'target')
  const options = {
    cwd: source,
    env: { ...process.env, CARGO_TARGET_DIR: target, CARGO_TERM_COLOR: 'never' },
    timeout: BUILD_MS,
    maxBuffer: 1 << 26,
  }
  await attempt('the crates of the updater', exec(cargo, ['fetch', '--quiet'], options))
  await exec(cargo, ['build', '--quiet'], options)
  return join(target, 'debug', 'hotpatch-real-client')
}

/** A publisher's own half of Tauri: a key, and what it signs, by the tool that is published. */
export async function createSigner(folder: string) {
  const home = join(folder, `tauri-${TAURI_CLI}`)
  await mkdir(home, { recursive: true })
  const tool = join(home, 'node_modules/@tauri-apps/cli/tauri.js')
  if (!(await exists(tool))) {
    await writeFile(join(home, 'package.json'), '{ "private": true }')
    const install = ['install', `@tauri-apps/cli@${TAURI_CLI}`, '--no-audit', '--no-fund', '--silent']
    await attempt("Tauri's command line", exec('npm', install, { cwd: home }))
  }
  const env = { ...process.env, CI: 'true', TAURI_SIGNING_PRIVATE_KEY_PASSWORD: '' }
  const signer = (...args: string[]) => exec(process.execPath, [tool, 'signer', ...args], { cwd: home, env })

  return {
    /** @param path of its secret half; the public one is written beside it, `.pub` */
    async newKey(path: string): Promise<string> {
      await signer('generate', '--force', '--write-keys', path)
      return path
    },
    /** Writes `FILE.sig`, which says the version, if it is to. */
    async sign(key: string, file: string, version?: string): Promise<void> {
      const bound = version === undefined ? [] : ['--app-version', version]
      await signer('sign', '--private-key-path', key, ...bound, file)
    },
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
