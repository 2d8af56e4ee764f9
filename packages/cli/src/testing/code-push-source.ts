import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sha256Of, zipOf } from '@hotpatch/testkit'

/** As a CodePush server has it in a history. */
export interface SourceRelease {
  label: string
  /** Of its bundle; the same text is the same package. */
  bundle: string
  appVersion?: string
  description?: string
  isDisabled?: boolean
  isMandatory?: boolean
  rollout?: number | null
  /** Over what the source says. */
  change?: Record<string, unknown>
}

export interface SourceApps {
  [app: string]: { [deployment: string]: { key: string; releases: SourceRelease[] } }
}

export const SOURCE_KEY = 'source-access-key-1234567890'

/** What clients know such a package by. */
export function packageHashOf(bundle: string): string {
  return sha256Of(Buffer.from(JSON.stringify([`CodePush/index.android.bundle:${sha256Of(Buffer.from(bundle))}`])))
}

export function historyOf(releases: readonly SourceRelease[], url: string) {
  return releases.map(({ label, bundle, change, ...told }, index) => ({
    label,
    appVersion: '1.0.0',
    description: '',
    isDisabled: false,
    isMandatory: false,
    rollout: 100,
    packageHash: packageHashOf(bundle),
    blobUrl: `${url}/blobs/${bundle}`,
    size: 200,
    uploadTime: 1_700_000_000_000 + index,
    releasedBy: 'ann@example.com',
    ...told,
    ...change,
  }))
}

type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

/** A CodePush server as far as an import asks it: its management API, and the zips. */
export async function startCodePushSource(apps: SourceApps) {
  const asked: { path: string; authorization: string | undefined }[] = []
  let intercept: Intercept = () => false
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(request.url ?? '')
    const { authorization } = request.headers
    asked.push({ path, authorization })
    if (intercept(request, response)) return
    const bundle = /^\/blobs\/(.+)$/.exec(path)?.[1]
    if (bundle !== undefined) {
      response.end(await zipOf({ 'CodePush/index.android.bundle': bundle }))
      return
    }
    if (authorization !== `Bearer ${SOURCE_KEY}`) {
      response.writeHead(401).end('Unauthorized')
      return
    }
    const json = bodyOf(path)
    if (json === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  }

  function bodyOf(path: string): unknown {
    const people = { 'ann@example.com': { permission: 'Owner' } }
    if (path === '/apps') return { apps: Object.keys(apps).map((name) => ({ name, collaborators: people })) }
    const [, app = '', deployment] = /^\/apps\/([^/]+)\/deployments(?:\/([^/]+)\/history)?$/.exec(path) ?? []
    const deployments = apps[app]
    if (!deployments) return undefined
    if (deployment === undefined) {
      return { deployments: Object.entries(deployments).map(([name, { key }]) => ({ name, key, package: null })) }
    }
    const found = deployments[deployment]
    return found && { history: historyOf(found.releases, url) }
  }

  return {
    url,
    apps,
    asked,
    intercept: (next: Intercept) => void (intercept = next),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(resolve)
      }),
  }
}
