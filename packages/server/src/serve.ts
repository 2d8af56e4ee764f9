import cluster from 'node:cluster'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  FIRST_OWNER_LINK_FILE,
  forgetFirstOwnerLink,
  keepFirstOwnerLink,
  OWNER_TOKEN_FILE,
} from './people/access/secret-files.ts'
import { FIRST_OWNER_MINUTES } from './people/accounts/links/one-time-links.ts'
import { createApp, type App } from './app.ts'
import { readConfig, type Config } from './configuration/config.ts'
import { readEnvironment } from './configuration/env.ts'
import { shareOfWorker } from './configuration/share-of-worker.ts'
import { NO_PUBLIC_URL } from './ground/http/public-url.ts'
import { createReadableLog } from './ground/readable-log.ts'
import { createUnreadLog } from './ground/unread-log.ts'
import { joinCrew } from './ground/workers/join-crew.ts'
import { describeStartError } from './configuration/start-error.ts'
import { describeStart, type Started } from './start-text.ts'
import { VERSION } from './ground/version.ts'

/** How long the last lines wait for whoever reads the log. */
const LAST_LINES_MS = 2_000

/** One process that serves: alone, or as a worker beside others. */
export async function startServing(): Promise<void> {
  try {
    await serve()
  } catch (error) {
    process.stderr.write(`HotPatch did not start. ${describeStartError(error)}\n`)
    process.exitCode = 1
    // Its primary waits for the end, whatever is still open here.
    if (cluster.isWorker) process.exit()
  }
}

async function serve(): Promise<void> {
  const whole = readConfig(readEnvironment())
  const crew = whole.workers > 1 && cluster.isWorker ? joinCrew({ size: whole.workers }) : undefined
  const config = crew ? shareOfWorker(whole) : whole
  // Words for a person who looks on, JSON for what collects logs.
  const isRead = (config.logFormat ?? (process.stdout.isTTY ? 'text' : 'json')) === 'text'
  const print = (text: string) => void process.stdout.write(text)
  const logTo = createUnreadLog(isRead ? createReadableLog(print) : { write: print }, process.stdout)
  const app = await createApp({ config, ...(crew && { crew }), logTo })
  const { host, port } = config.http
  try {
    await app.http.listen({ host, port })
  } catch (error) {
    // Else what it does in the background would keep a process alive that serves nobody.
    await app.close()
    throw error
  }

  let stopping: Promise<void> | undefined
  const stopWith = (end: () => Promise<void>) => {
    // Whoever is told twice, ends once.
    if (stopping) return
    stopping = end()
    const exit = async (code: number) => {
      await logTo.finish(LAST_LINES_MS)
      process.exit(code)
    }
    stopping.then(
      () => exit(0),
      (error: unknown) => {
        app.http.log.fatal({ err: error }, 'the stop was not clean')
        return exit(1)
      },
    )
  }
  const stop = () => stopWith(app.close)
  process.on('SIGTERM', stop)
  if (crew) {
    // What a terminal sends to all of its processes is for the primary.
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
    crew.whenToLeave(() =>
      stopWith(async () => {
        await app.leave()
        await crew.sayFarewell()
      }),
    )
    crew.serves()
    // It was told once, and what it says is true of all.
    if (!crew.isFirst) return
  } else process.on('SIGINT', stop)

  const started = whatStarted(config, app)
  await keepWelcome(config.dataDirectory, started)
  if (isRead) print(describeStart(started, process.cwd()))
  // Whatever the level of the log is: scripts wait for this line.
  else app.http.log.child({}, { level: 'info' }).info(forLog(started), `HotPatch listens on ${started.url}`)
}

function whatStarted({ http, dataDirectory, database }: Config, app: App): Started {
  // PORT=0 takes a free one.
  const port = (app.http.server.address() as AddressInfo | null)?.port ?? http.port
  const url = http.publicUrl ?? `http://localhost:${port}`
  return {
    version: VERSION,
    url,
    dataDirectory,
    database: database.kind,
    ownerTokenFile: app.ownerToken === undefined ? undefined : join(dataDirectory, OWNER_TOKEN_FILE),
    welcome: app.firstOwnerSecret === undefined ? undefined : welcomeAt(url, app.firstOwnerSecret, dataDirectory),
    notices: http.publicUrl === null ? [`${NO_PUBLIC_URL.detail} ${NO_PUBLIC_URL.remedy}`] : [],
  }
}

/** The secret is behind the "#", which browsers send to nobody. */
function welcomeAt(url: string, secret: string, dataDirectory: string): NonNullable<Started['welcome']> {
  const file = join(dataDirectory, FIRST_OWNER_LINK_FILE)
  return { link: `${url}/dashboard/welcome#${secret}`, file, minutes: FIRST_OWNER_MINUTES }
}

function keepWelcome(dataDirectory: string, { welcome }: Started): Promise<void> {
  return welcome ? keepFirstOwnerLink(dataDirectory, welcome.link) : forgetFirstOwnerLink(dataDirectory)
}

/** Logs are collected, and read by others: they say where the link is. */
function forLog({ welcome, ...started }: Started) {
  return { ...started, ...(welcome && { firstOwnerLinkFile: welcome.file }) }
}
