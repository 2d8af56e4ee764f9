import type { App } from '@hotpatch/server'
import inject, { type InjectOptions, type Response } from 'light-my-request'

/** Asks a server in this process, without a socket: of what is for devices and of what is for people. */
export async function injectRequest(app: Pick<App, 'http' | 'handle'>, request: InjectOptions): Promise<Response> {
  await app.http.ready()
  return inject(app.handle, request)
}
