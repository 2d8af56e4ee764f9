import type { App, CreatedApiToken, Role } from '@hotpatch/api'
import { startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll } from 'vitest'
import { createTool } from './run-tool.ts'

/** A real server for the tests of one file, on a port, by the real time: the tool is another process to it. */
export function useServer(env: Record<string, string> = {}) {
  let server: TestServer
  let url: string
  let apps = 0

  beforeAll(async () => {
    server = await startTestServer({ clock: { now: () => Date.now() }, env })
    url = await server.listen()
  })
  afterAll(() => server.close())

  /** The tool with an owner's token, as in CI. */
  const createOwner = () => createTool({ HOTPATCH_URL: url, HOTPATCH_TOKEN: server.ownerToken })

  /** An owner in a project with an app of its own, and a signing key. */
  async function createPublisher({ platforms = ['android', 'ios'], key = true } = {}) {
    const tool = await createOwner()
    apps += 1
    const settings = ['--platforms', platforms.join(), '--device-ids', 'as-given']
    const app = await tool.json<App>('apps', 'create', `app-${apps}`, ...settings, '--yes')
    await tool.write({ 'hotpatch.json': JSON.stringify({ app: app.slug }) })
    if (key) await tool.json('keys generate')
    return { ...tool, app }
  }

  async function createToken(role: Role): Promise<string> {
    const owner = await createOwner()
    return (await owner.json<CreatedApiToken>('tokens', 'create', '--name', role, '--role', role, '--yes')).token
  }

  /** A round of what the server does by itself. */
  const tick = () => server.app.tick()

  return { url: () => url, tick, ownerToken: () => server.ownerToken, createOwner, createPublisher, createToken }
}
