import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { env } from 'node:process'
import { createInterface } from 'node:readline'
import { binaryManifest, type AppIdentity } from './binary-manifest.ts'
import type { ClientClasses } from './client-classes.ts'
import { run } from './command.ts'

const PATIENCE_MS = 120_000
const ANSWER = 'PHONE '

/** Phones with one binary on them, in one process of Java; each keeps what it has in a folder. */
export async function startPhones(
  client: ClientClasses,
  {
    app,
    assets,
    phoneClass,
    javaOptions,
    name,
    onEvent = () => undefined,
  }: {
    app: AppIdentity
    /** What the binary ships with, by path. */
    assets: Record<string, string>
    phoneClass: string
    javaOptions: readonly string[]
    /** Of the folder. */
    name: string
    /** What nobody asked for. */
    onEvent?: (event: Record<string, unknown>) => void
  },
) {
  const folder = join(client.folder, 'phones', name)
  await rm(folder, { recursive: true, force: true })
  const classes = await installApp(folder, app, assets)
  const settings = {
    'robolectric.offline': true,
    'robolectric.dependency.dir': client.runtime,
    'robolectric.logging': 'stderr',
    'phone.data': join(folder, 'data'),
  }
  const given = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`)
  const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', ...given, ...javaOptions]
  const path = ['-cp', `${classes}:${client.classPath}`]
  const child = spawn('java', [...options, ...path, 'org.junit.runner.JUnitCore', phoneClass], {
    // Where every process of Android is; clients make paths of it.
    cwd: '/',
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
    const said = JSON.parse(text.slice(at + ANSWER.length)) as {
      id?: number
      answer?: unknown
      error?: string[]
      event?: Record<string, unknown>
    }
    if (said.event) return onEvent(said.event)
    const { id = 0, answer, error } = said
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
    ask,
    /** What a phone keeps. */
    folderOf: (phone: string) => join(folder, 'data', phone),
    async end() {
      await Promise.allSettled([...waiting.values()].map(({ promise }) => promise))
      child.stdin.end()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** @returns where Robolectric is told of the package */
async function installApp(folder: string, app: AppIdentity, assets: Record<string, string>): Promise<string> {
  const parts = join(folder, 'package')
  const files = Object.entries(assets).map(([path, text]): [string, string] => [`assets/${path}`, text])
  for (const [path, bytes] of [['AndroidManifest.xml', binaryManifest(app)] as const, ...files]) {
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
