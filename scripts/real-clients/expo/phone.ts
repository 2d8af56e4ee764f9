import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { env } from 'node:process'
import { createInterface } from 'node:readline'
import { binaryManifest } from '../android/binary-manifest.ts'
import { run } from '../android/command.ts'
import type { ClientClasses } from './client-classes.ts'

/** What the binary has built in, as `app.manifest` and the Android manifest say it. */
export interface Binary {
  id: string
  builtAt: number
  bundle: string
}

/** As the client names it: `updateUrl`, `runtimeVersion`, `requestHeaders` and others. */
export type Configuration = Record<string, unknown>

export interface AppState {
  id: string
  isEmbedded: boolean
  isEmergency: boolean
  /** What runs. */
  bundle: string
  /** What is given to the app, by key. */
  assets: Record<string, string>
  updates: { id: string; commitTime: number; status: string; failed: number; launched: number }[]
  restarts: number
  died: string[]
  log: string[]
}

export type Checked =
  | { kind: 'update'; manifest: { id: string; createdAt: string } }
  | { kind: 'roll-back'; commitTime: number }
  | { kind: 'nothing'; reason: string }
  | { kind: 'error'; reasons: string[] }

export type Fetched =
  | { kind: 'update'; id: string }
  | { kind: 'roll-back' }
  | { kind: 'nothing' }
  | { kind: 'error'; reasons: string[] }

const PATIENCE_MS = 120_000
const ANSWER = 'PHONE '

/** Phones with one binary on them, in one process of Java; each keeps what it has in a folder. */
export async function startPhones(
  client: ClientClasses,
  { binary, javaOptions, name }: { binary: Binary; javaOptions: readonly string[]; name: string },
) {
  const folder = join(client.folder, 'phones', name)
  await rm(folder, { recursive: true, force: true })
  const classes = await install(folder, binary)
  const settings = {
    'robolectric.offline': true,
    'robolectric.dependency.dir': client.runtime,
    'robolectric.logging': 'stderr',
    'phone.data': join(folder, 'data'),
  }
  const given = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`)
  const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', ...given, ...javaOptions]
  const path = ['-cp', `${classes}:${client.classPath}`]
  const child = spawn('java', [...options, ...path, 'org.junit.runner.JUnitCore', 'dev.hotpatch.phone.ExpoPhone'], {
    cwd: folder,
    // The names of files are UTF-8 on a phone, whatever they are here.
    env: { ...env, LC_ALL: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const output: string[] = []
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const ready = Promise.withResolvers<unknown>()
  waiting.set(0, ready)
  const giveUp = (why: string) => {
    const error = new Error(`${why}\n${output.slice(-60).join('\n')}`)
    for (const each of waiting.values()) each.reject(error)
  }
  createInterface({ input: child.stderr }).on('line', (text) => output.push(text))
  createInterface({ input: child.stdout }).on('line', (text) => {
    // JUnit begins the first line.
    const at = text.indexOf(ANSWER)
    if (at < 0) return void output.push(text)
    const {
      id = 0,
      answer,
      error,
    } = JSON.parse(text.slice(at + ANSWER.length)) as {
      id?: number
      answer?: unknown
      error?: string[]
    }
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error) asked?.reject(new Error(error.join(': ')))
    else asked?.resolve(answer)
  })
  child.on('exit', () => giveUp('The phones have ended.'))
  child.stdin.on('error', () => undefined)
  let last = 0

  async function ask<Answer>(order: object): Promise<Answer> {
    const id = (last += 1)
    const asked = Promise.withResolvers<unknown>()
    waiting.set(id, asked)
    const patience = setTimeout(() => giveUp(`No answer to ${JSON.stringify(order)}.`), PATIENCE_MS)
    child.stdin.write(`${JSON.stringify({ id, ...order })}\n`)
    try {
      return (await asked.promise) as Answer
    } finally {
      clearTimeout(patience)
    }
  }

  const patience = setTimeout(() => giveUp('The phones did not start.'), PATIENCE_MS)
  await ready.promise.finally(() => clearTimeout(patience))

  return {
    /** A process of the app on a phone begins; that before it has ended. */
    start: (phone: string, configuration: Configuration) => ask<AppState>({ do: 'start', phone, configuration }),
    state: () => ask<AppState>({ do: 'state' }),
    /** Something is shown: this is what the client takes for a start that went well. */
    appear: () => ask<null>({ do: 'appear' }),
    /** The app's JavaScript throws. */
    crash: (message: string) => ask<AppState>({ do: 'crash', message }),
    check: () => ask<Checked>({ do: 'check' }),
    fetch: () => ask<Fetched>({ do: 'fetch' }),
    reload: () => ask<AppState>({ do: 'reload' }),
    setExtra: (key: string, value: string) => ask<null>({ do: 'extra', key, value }),
    overrideHeaders: (headers: Record<string, string>) => ask<null>({ do: 'headers', headers }),
    /** What a phone keeps. */
    folderOf: (phone: string) => join(folder, 'data', phone),
    async end() {
      child.stdin.end()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** @returns where Robolectric is told of the package */
async function install(folder: string, { id, builtAt, bundle }: Binary): Promise<string> {
  const parts = join(folder, 'package')
  const app = { id: 'com.example.demo', versionName: '1.0.0', versionCode: 1 }
  const written: Record<string, string | Buffer> = {
    'AndroidManifest.xml': binaryManifest(app),
    'assets/app.manifest': JSON.stringify({ id, commitTime: builtAt, assets: [] }),
    'assets/index.android.bundle': bundle,
  }
  for (const [path, bytes] of Object.entries(written)) {
    await mkdir(dirname(join(parts, path)), { recursive: true })
    await writeFile(join(parts, path), bytes)
  }
  const apk = join(folder, 'app.apk')
  await run('jar', ['--create', '--no-manifest', '--file', apk, '-C', parts, '.'])
  const settings = join(folder, 'classes/com/android/tools')
  await mkdir(settings, { recursive: true })
  await writeFile(join(settings, 'test_config.properties'), `android_resource_apk=${apk}\n`)
  return join(folder, 'classes')
}
