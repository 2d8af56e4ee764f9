import { requireArchive, type Release } from '@hotpatch/api'
import { createNodeCrypto } from '@hotpatch/client/node'
import { writeReleaseStatement, writeTree, statedArchive } from '@hotpatch/protocol'
import {
  hurriedTimers,
  injectHttp,
  INJECTED_URL,
  newSigningKey,
  sha256Of,
  signRelease,
  signStatement,
  startTestServer,
  zipOf,
} from '@hotpatch/testkit'
import { onTestFinished } from 'vitest'
import { createFleet, type Fleet, type FleetOptions, type FleetProfile, type FleetRequest } from '../index.ts'

export const HOUR_MS = 60 * 60 * 1000
export const DAY_MS = 24 * HOUR_MS
export const START = Date.parse('2027-01-01T00:00:00Z')

/** A server in this process that takes its time from the fleet, with one signed app. */
export async function createWorld({
  env,
  filesOf = filesSaying,
  ...options
}: Partial<FleetOptions> & {
  profile?: Partial<FleetProfile>
  env?: Record<string, string>
  filesOf?: (version: string) => Record<string, string>
} = {}) {
  let fleet: Fleet | undefined
  const server = await startTestServer({
    clock: { now: () => fleet?.now() ?? START },
    timers: hurriedTimers,
    env: env ?? {},
  })
  onTestFinished(server.close)
  const key = newSigningKey()
  const app = await server.createTestApp({ slug: 'shop' })
  const requests: FleetRequest[] = []
  /** How often which device was offered which release: `offerOf(deviceId, releaseId)`. */
  const offers = new Map<string, number>()
  const http = injectHttp(server)
  fleet = createFleet({
    devices: 30,
    seed: 'a',
    app,
    serverUrl: INJECTED_URL,
    channel: 'production',
    platforms: ['android'],
    publicKeys: [key.publicKey],
    startAt: START,
    http: {
      open(request) {
        const { response, abort } = http.open(request)
        return { response: response.then((found) => ({ ...found, body: overhear(request, found.body) })), abort }
      },
    },
    crypto: createNodeCrypto(),
    whenIdle: setImmediate,
    onRequest: (request) => requests.push(request),
    ...options,
  })

  async function* overhear({ url, body }: { url: string; body?: string }, answer: AsyncIterable<Uint8Array>) {
    for await (const chunk of answer) {
      if (url.endsWith('/update/check')) {
        const { deviceId } = JSON.parse(body ?? '') as { deviceId: string }
        const { releaseId } = JSON.parse(Buffer.from(chunk).toString()) as { releaseId?: string }
        if (releaseId !== undefined) {
          const offer = offerOf(deviceId, releaseId)
          offers.set(offer, (offers.get(offer) ?? 0) + 1)
        }
      }
      yield chunk
    }
  }

  /** @param goesBackTo is stated again under the sequence after this one's, for the guard to go back to */
  async function publish(version: string, changes: Record<string, unknown> = {}, goesBackTo?: Release) {
    const files = filesOf(version)
    const bundle = await zipOf(files)
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/sequence?platform=android`)
    const sequence = body.nextSequence as number
    const stated = statedArchive({ sha256: sha256Of(bundle), sizeBytes: bundle.length, tree: treeOf(files) })
    const signed = signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle }, stated)
    const signatures = { ...signed, ...(goesBackTo && prepare(goesBackTo, sequence + 1)) }
    return server.published(app, { version, bundle, signatures, ...changes })
  }

  function prepare(release: Release, sequence: number) {
    const { version, floor, requirement, content } = requireArchive(release)
    const named = { appId: app.id, platform: 'android', target: 'release', version, sequence, floor } as const
    const text = writeReleaseStatement({
      ...named,
      requirement,
      ...statedArchive(content),
      createdAt: '2027-01-01T00:00:00.000Z',
    })
    const { statement, statementSignature } = signStatement(key, text)
    return { rollbackStatement: statement, rollbackStatementSignature: statementSignature }
  }

  return { server, app, key, fleet, requests, offers, publish }
}

function filesSaying(version: string): Record<string, string> {
  return { 'index.android.bundle': `this is ${version}`, 'assets/logo.txt': 'logo' }
}

function treeOf(files: Readonly<Record<string, string>>): string {
  const listed = Object.entries(files).map(([path, text]) => {
    const bytes = Buffer.from(text)
    return { path, sizeBytes: bytes.length, sha256: sha256Of(bytes) }
  })
  return sha256Of(Buffer.from(writeTree(listed)))
}

export function offerOf(deviceId: string, releaseId: string): string {
  return `${deviceId} ${releaseId}`
}
