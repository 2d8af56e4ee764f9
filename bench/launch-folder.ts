import { join } from 'node:path'
import { createNodeEngine } from '@hotpatch/client/node'
import { createFakeServer, SERVER } from '../packages/client/src/testing/fake-server.ts'
import { APP_ID, createPublisher } from '../packages/client/src/testing/publisher.ts'

/** What of it a start reads, besides the count of the starts before. */
export const METADATA = ['ota/metadata.json', 'ota/bundle/.hotpatch.json']

/** An engine over this folder, as a process makes one before it starts anything. */
export function openEngine(directory: string, { http, publicKey }: LaunchFolder) {
  return createNodeEngine({
    directory,
    host: { platform: 'android', nativeVersion: '1.0' },
    serverUrl: SERVER,
    appKey: 'key',
    appId: APP_ID,
    deviceId: 'device-1',
    channel: 'production',
    publicKeys: [publicKey],
    ports: { http },
  })
}

interface LaunchFolder {
  http: ReturnType<typeof createFakeServer>['http']
  publicKey: string
}

/** What an app has on its disk that took a release of so many files, by the engine itself, and confirmed it. */
export async function makeLaunchFolder(directory: string, files: number): Promise<LaunchFolder> {
  const publisher = createPublisher('archive')
  const server = createFakeServer()
  const pathOf = (index: number) => (index === 0 ? 'index.android.bundle' : `assets/${index % 20}/image-${index}.png`)
  const content = Object.fromEntries(Array.from({ length: files }, (_, index) => [pathOf(index), `file ${index}`]))
  server.target = { release: publisher.publish({ version: '1.0.0', sequence: 1, files: content }) }
  const folder = { http: server.http, publicKey: publisher.publicKey }
  const first = openEngine(directory, folder)
  await first.start()
  const outcome = await first.sync()
  if (outcome.kind !== 'staged') throw new Error(`The release was not taken: ${JSON.stringify(outcome)}`)
  const second = openEngine(directory, folder)
  const launched = await second.start()
  if (launched.kind !== 'release') throw new Error(`Expected the release, found what the binary shipped with.`)
  await second.confirm()
  // What is reported in the background still writes.
  await second.flushReports()
  return folder
}

export const metadataOf = (directory: string) => METADATA.map((path) => join(directory, path))
