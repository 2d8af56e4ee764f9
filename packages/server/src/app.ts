import type { RequestListener } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { keepOwnerToken } from './people/access/secret-files.ts'
import { createCheckPath } from './app/check-path.ts'
import { openCore, type AppOptions } from './app/core.ts'
import { registerGauges } from './app/register-gauges.ts'
import { registerRoutes } from './app/register-routes.ts'
import { createServices } from './app/services.ts'
import { startSweeping } from './app/start-sweeping.ts'
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
  /** Finishes the requests in flight and writes what is buffered. */
  close(): Promise<void>
}

const CLOSE_IDLE_EVERY_MS = 50

/** The composition root: everything is built here and in app/, once, and passed in. */
export async function createApp(options: AppOptions): Promise<App> {
  const core = await openCore(options)
  const { config, http, db, reads } = core
  const checkPath = await createCheckPath(core)
  const services = await createServices(core, checkPath)
  const telling = createTelling(core, checkPath, services)
  await registerRoutes({ core, checkPath, services, telling })
  registerGauges(core, checkPath, telling)

  const { access, accounts, automation, auditSealer, madeLater } = services
  const ownerToken = await access.createFirstOwner((token) => keepOwnerToken(config.dataDirectory, token))
  await accounts.reseal()
  const firstOwnerSecret = await accounts.makeFirstOwnerLink()
  await checkPath.start()
  automation.start()
  for (const { wake } of madeLater) wake()
  telling.start()
  auditSealer.start()
  checkPath.feed.start()
  const stopSweeping = startSweeping(core, services, telling)

  async function close(): Promise<void> {
    stopSweeping()
    const automationStopped = automation.stop()
    // They would hold the server open for ever.
    telling.streams.close()
    // Connections that were busy at first are idle when they have their answer.
    const closing = setInterval(() => http.server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS).unref()
    const deadline = setTimeout(() => http.server.closeAllConnections(), config.http.stopTimeoutMs).unref()
    await http.close()
    clearTimeout(deadline)
    clearInterval(closing)
    await automationStopped
    for (const { stop } of madeLater) await stop()
    await telling.stop()
    await auditSealer.stop()
    await checkPath.stop()
    if (reads !== db) await reads.destroy()
    await db.destroy()
    core.storage.close?.()
  }

  return { http, handle: core.serving.handle, ownerToken, firstOwnerSecret, tick: automation.tick, close }
}
