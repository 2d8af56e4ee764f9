import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { env } from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AndroidClasses } from './android-classes.ts'
import { binaryManifest } from './binary-manifest.ts'
import { createPage, type Page } from './page.ts'
import { run } from './command.ts'

export interface PhoneApp {
  id: string
  versionName: string
  versionCode: number
  /** Classes of the plugins that are in the app. */
  plugins: string[]
  /** `plugins` of `capacitor.config.json`. */
  configuration: Record<string, object>
  /** The web bundle that the binary ships with, by path. */
  web: Record<string, string>
}

const PATIENCE_MS = 90_000

/**
 * A phone with an app of Capacitor on it. Its processes are real ones that begin and end; what the app keeps is in a folder
 * that outlives them, where anyone can look.
 */
export function createPhone({
  android,
  name,
  app,
  javaOptions = [],
  onPage = () => undefined,
}: {
  android: AndroidClasses
  /** Of its folder. */
  name: string
  app: PhoneApp
  javaOptions?: string[]
  /** The app's own code, at each load of its page. */
  onPage?: (page: Page) => void
}) {
  const folder = join(android.folder, 'phones', name)
  const data = join(folder, 'data')
  let installed = app
  let process: { child: ChildProcess; line: Socket; output: string[] } | undefined
  let page: Page | undefined

  function order(what: object): void {
    if (!process) throw new Error('the app does not run')
    process.line.write(`${JSON.stringify(what)}\n`)
  }

  function hear(text: string): void {
    const { script, page: url, html } = JSON.parse(text) as { script?: string; page?: string; html?: string }
    if (script !== undefined) page?.evaluate(script)
    if (url === undefined || html === undefined) return
    page?.leave()
    const shown = createPage({ url, html, say: (message) => process && order({ do: 'message', text: message }) })
    page = shown
    order({ do: 'loaded', url })
    onPage(shown)
  }

  async function start(): Promise<Page> {
    const classes = await install(android, folder, installed)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const output: string[] = []
    const settings = {
      'robolectric.offline': true,
      'robolectric.dependency.dir': android.runtime,
      'robolectric.logging': 'stderr',
      'phone.data': data,
      'phone.line': port,
      'phone.clock': Date.now() - Math.round(performance.now()),
    }
    const given = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`)
    const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', ...given, ...javaOptions]
    const path = ['-cp', `${classes}:${android.classPath}`]
    const child = spawn('java', [...options, ...path, 'org.junit.runner.JUnitCore', 'dev.hotpatch.phone.Phone'], {
      cwd: folder,
      // The names of files are UTF-8 on a phone, whatever they are here.
      env: { ...env, LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => output.push(text))
    }
    const ended = once(child, 'exit').then(() => undefined)
    const line = (await Promise.race([once(server, 'connection'), ended]))?.[0] as Socket | undefined
    server.close()
    if (!line) throw new Error(`The app did not start:\n${output.join('\n')}`)
    process = { child, line, output }
    // It ends with the process, be it in the middle of a word.
    line.on('error', () => undefined)
    createInterface({ input: line })
      .on('line', hear)
      .on('error', () => undefined)
    await until('a page', () => page !== undefined)
    return current()
  }

  /** The process is ended, as the system does when it needs room. */
  async function end(): Promise<void> {
    if (!process) return
    const { child } = process
    order({ do: 'end' })
    await (child.exitCode === null ? once(child, 'exit') : undefined)
    leave()
  }

  /** In the middle of whatever it does. */
  async function kill(): Promise<void> {
    if (!process) return
    const { child } = process
    child.kill('SIGKILL')
    await (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined)
    leave()
  }

  function leave(): void {
    process?.line.destroy()
    page?.leave()
    process = undefined
    page = undefined
  }

  function current(): Page {
    if (!page) throw new Error('no page is shown')
    return page
  }

  async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const patience = AbortSignal.timeout(PATIENCE_MS)
    while (!(await isSo())) {
      const isOver = process && (process.child.exitCode !== null || process.child.signalCode !== null)
      if (patience.aborted || isOver) {
        throw new Error(`It never came to this: ${what}.\n${process?.output.slice(-40).join('\n') ?? ''}`)
      }
      await sleep(20)
    }
  }

  return {
    start,
    end,
    kill,
    page: current,
    /** The text of the page that is shown. */
    shows: () => current().html.replaceAll(/<script[\s\S]*?<\/script>/g, ''),
    plugin: (plugin: string) => current().plugin(plugin),
    async call<Answer>(plugin: string, method: string, options: object = {}): Promise<Answer> {
      const asked = current().plugin(plugin)[method]?.(options)
      const patience = sleep(PATIENCE_MS, undefined, { ref: false }).then(() => {
        throw new Error(`${plugin}.${method} has no answer.\n${process?.output.slice(-40).join('\n') ?? ''}`)
      })
      return (await Promise.race([asked, patience])) as Answer
    },
    until,
    elapse: (ms: number) => order({ do: 'elapse', ms }),
    background: () => order({ do: 'background' }),
    foreground: () => order({ do: 'foreground' }),
    /** The files below a folder of the app's, by path. */
    async files(below: string): Promise<Record<string, string>> {
      const names = await readdir(join(data, below), { recursive: true, withFileTypes: true }).catch(() => [])
      const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
      const read = files.sort().map(async (file) => {
        // What Android only keeps while it writes settings may be gone by now.
        const text = await readFile(file, 'utf8').catch(() => undefined)
        return text === undefined ? [] : [[file.slice(join(data, below).length + 1), text] as const]
      })
      return Object.fromEntries((await Promise.all(read)).flat())
    },
    folder: (below: string) => join(data, below),
    /** Another version of the binary, from the store. */
    update(next: Partial<PhoneApp>) {
      installed = { ...installed, ...next }
    },
    /** As if the app had just been installed. */
    async wipe() {
      await rm(folder, { recursive: true, force: true })
      await mkdir(data, { recursive: true })
    },
  }
}

/** @returns where Robolectric is told of the package */
async function install(android: AndroidClasses, folder: string, app: PhoneApp): Promise<string> {
  const parts = join(folder, 'package')
  await rm(parts, { recursive: true, force: true })
  const assets = join(parts, 'assets')
  const written = {
    'capacitor.config.json': JSON.stringify({
      appId: app.id,
      // Robolectric has no service workers.
      android: { resolveServiceWorkerRequests: false, loggingBehavior: 'none' },
      plugins: app.configuration,
    }),
    'capacitor.plugins.json': JSON.stringify(app.plugins.map((classpath) => ({ pkg: classpath, classpath }))),
    ...Object.fromEntries(Object.entries(app.web).map(([path, text]) => [`public/${path}`, text])),
  }
  for (const [path, text] of Object.entries(written)) {
    await mkdir(join(assets, path, '..'), { recursive: true })
    await writeFile(join(assets, path), text)
  }
  await cp(join(android.packages['@capacitor/android'], 'capacitor/src/main/assets'), assets, { recursive: true })
  await writeFile(join(parts, 'AndroidManifest.xml'), binaryManifest(app))
  await rm(join(folder, 'app.apk'), { force: true })
  await run('jar', ['--create', '--no-manifest', '--file', join(folder, 'app.apk'), '-C', parts, '.'])
  const classes = join(folder, 'classes')
  await mkdir(join(classes, 'com/android/tools'), { recursive: true })
  const properties = `android_resource_apk=${join(folder, 'app.apk')}\n`
  await writeFile(join(classes, 'com/android/tools/test_config.properties'), properties)
  return classes
}
