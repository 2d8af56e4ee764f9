import type { RequestListener } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { keepOwnerToken } from './people/access/secret-files.ts'
import { createCheckPath } from './app/check-path.ts'
import { openCore, type AppOptions } from './app/core.ts'
import { registerGauges } from './app/register-gauges.ts'
import { registerRoutes } from './app/register-routes.ts'
import { drain } from './ground/http/drain.ts'
import { createServices } from './app/services.ts'
import { createDuties } from './app/duties.ts'
import { createTelling } from './app/telling.ts'

export type { AppOptions } from './app/core.ts'

export interface App {
  http: FastifyInstance
  /** Answers one request as the server does; without a socket, too. */
  handle: RequestListener
  /** Only at the very first start. It is also in the data folder. */
  ownerToken: string | undefined
  /** Until there is an owner who signs in: the secret of the link by which somebody becomes that. */
  firstOwnerSecret: string | undefined
  /** What the server else does by itself every few seconds: guards look, plans go on. Never two rounds at once. */
  tick(): Promise<void>
  /**
   * Takes no more connections, answers what is asked on those that there are, closes each with its next answer, and then
   * as below: for when another process serves in its place.
   */
  leave(): Promise<void>
  /** Finishes the requests in flight and writes what is buffered. */
  close(): Promise<void>
}

const CLOSE_IDLE_EVERY_MS = 50

/** The composition root: everything is built here and in app/, once, and passed in. */
export async function createApp(options: AppOptions): Promise<App> {
  const core = await openCore(options)
  const { config, http, crew } = core
  const checkPath = await createCheckPath(core)
  const services = await createServices(core, checkPath)
  const telling = createTelling(core, checkPath, services)
  await registerRoutes({ core, checkPath, services, telling })
  registerGauges(core, checkPath, telling)

  const { access, accounts, automation, auditSealer } = services
  const ownerToken = await access.createFirstOwner((token) => keepOwnerToken(config.dataDirectory, token))
  await accounts.reseal()
  // One is told at the start, and goes on working while others are started.
  const firstOwnerSecret = crew.isFirst ? await accounts.makeFirstOwnerLink() : undefined
  await checkPath.start()
  telling.start()
  auditSealer.start()
  await checkPath.feed.start()
  const duties = createDuties(core, checkPath, services, telling)
  crew.whenElected(duties.start)

  async function leave(): Promise<void> {
    // Whoever took this one's place has its duties, too.
    const isDone = duties.stop()
    telling.streams.close()
    await drain(http.server, config.http.stopTimeoutMs)
    await isDone
    await close()
  }

  async function close(): Promise<void> {
    const dutiesDone = duties.stop()
    // They would hold the server open for ever.
    telling.streams.close()
    // Connections that were busy at first are idle when they have their answer.
    const closing = setInterval(() => http.server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS).unref()
    const deadline = setTimeout(() => http.server.closeAllConnections(), config.http.stopTimeoutMs).unref()
    await http.close()
    clearTimeout(deadline)
    clearInterval(closing)
    await dutiesDone
    await telling.stop()
    await auditSealer.stop()
    await checkPath.stop()
    await core.closeDatabases()
    core.storage.close?.()
    await core.traces.stop()
  }

  return { http, handle: core.serving.handle, ownerToken, firstOwnerSecret, tick: automation.tick, leave, close }
}
