import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startServerProcess } from '../../../packages/testkit/src/server-process.ts'
import { androidClasses } from './android-classes.ts'
import { needTools } from './need-tools.ts'
import { createNetwork, freePort } from './network.ts'
import { createPublisher } from '../publisher.ts'

/** By which phones know the server, over https. */
export const HOST = 'updates.hotpatch.test'

export async function setStage(name: string) {
  await needTools()
  const android = await androidClasses()
  return { android, ...(await openStage(join(android.folder, name))) }
}

/** What stories play on: this checkout's server, who publishes there, and the only network that phones have. */
export async function openStage(folder: string, more: Record<string, string> = {}) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const port = String(await freePort())
  const env = { HOTPATCH_LOG_LEVEL: 'error', HOTPATCH_PUBLIC_URL: `https://${HOST}`, PORT: port, ...more }
  const running = await startServerProcess({ directory: join(folder, 'data'), env })
  // It announces the address by which others know it.
  const server = { ...running, url: `http://127.0.0.1:${port}` }
  const network = await createNetwork({ host: HOST, server: server.url, folder })
  return { server, network, ...(await createPublisher(server, folder)) }
}
