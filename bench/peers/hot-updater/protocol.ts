import { fieldsOf, firstDifference, type ClientProtocol } from '../client-protocol.ts'
import type { PeerDevice } from '../devices.ts'
import { BINARY_VERSION, changedPaths, EMBEDDED_BUILD, makeReleases, sha256Of, type PeerRelease } from '../releases.ts'

export const CHANNEL = 'production'
const MANIFEST = 'manifest.json'

/** The protocol of hot-updater 0.x, docs/protocol/20-hot-updater.md. */
export async function hotUpdaterProtocol(): Promise<ClientProtocol> {
  const releases = await makeReleases((files, buildId) => ({ ...files, [MANIFEST]: manifestOf(files, buildId) }))
  return {
    name: "hot-updater's client",
    releases,
    headers: { 'content-type': 'application/json', 'hot-updater-sdk-version': '0.36.3' },
    pathOf: (device, place) => {
      const running = device.running.kind === 'embedded' ? EMBEDDED_BUILD : device.running.release.buildId
      return `${place}/app-version/android/${BINARY_VERSION}/${CHANNEL}/${EMBEDDED_BUILD}/${running}/${device.cohort}`
    },
    judge: (answer, device) => judge(fieldsOf(answer), device, releases.at(-1)),
  }
}

/** As hot-updater's tool writes it beside the files of a build. */
function manifestOf(files: Record<string, Buffer>, bundleId: string): Buffer {
  const assets = Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, { fileHash: sha256Of(bytes) }]))
  return Buffer.from(JSON.stringify({ bundleId, assets }))
}

export function manifestTextOf({ files }: PeerRelease): string {
  return files[MANIFEST]?.toString() ?? ''
}

function judge(answer: Readonly<Record<string, unknown>>, { running }: PeerDevice, newest: PeerRelease | undefined) {
  if (!newest) return 'nothing was published'
  if (running.kind === 'release' && running.release === newest) return firstDifference(answer, { status: 'UP_TO_DATE' })
  const offered = {
    id: newest.buildId,
    status: 'UPDATE',
    shouldForceUpdate: false,
    message: newest.notes,
    fileHash: sha256Of(newest.zip),
  }
  const different = firstDifference(answer, offered)
  // Of what its binary shipped with, a client has no list: it takes the whole.
  if (different || running.kind === 'embedded') return different
  const changed = changedPaths(newest, running.release).filter((path) => path !== MANIFEST)
  const told = Object.entries(fieldsOf(answer.changedAssets)).map(([path, asset]) => {
    return `${path} ${String(fieldsOf(asset).fileHash)}`
  })
  return firstDifference(
    { manifestFileHash: answer.manifestFileHash, changedAssets: told.toSorted() },
    {
      manifestFileHash: sha256Of(manifestTextOf(newest)),
      changedAssets: changed.map((path) => `${path} ${sha256Of(newest.files[path] as Buffer)}`).toSorted(),
    },
  )
}
