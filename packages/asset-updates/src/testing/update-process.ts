import { createNodePorts } from '../node/index.ts'
import { OTAUpdateManager } from '../manager/ota-update-manager.ts'

/** An app in a process of its own, which a test may kill. Says in a line of JSON each what happens. */
const {
  directory = '',
  serverUrl = '',
  projectId = '',
  publicKey = '',
  platform = 'linux',
  crashes = false,
} = JSON.parse(process.argv[2] ?? '{}') as {
  directory?: string
  serverUrl?: string
  projectId?: string
  publicKey?: string
  platform?: 'android' | 'linux'
  crashes?: boolean
}

const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`)

const manager = new OTAUpdateManager(createNodePorts(directory, { nativeVersion: '1.0.0', platform }), {
  serverUrl,
  projectId,
  channel: 'production',
  runtimeVersion: '1.0.0',
  deviceId: 'device-1',
  publicKeys: publicKey === '' ? [] : [publicKey],
  allowInsecure: 'loopback',
  onDownloadProgress: (progress) => say({ progress }),
})
const launched = await manager.start()
say({ launched })
if (crashes && launched.kind === 'release') {
  await manager.crashed()
} else {
  await manager.confirm()
  const found = await manager.checkForUpdate()
  say({ state: found.kind === 'available' ? await manager.downloadAndInstallUpdate(found) : found })
}
await manager.flushReports()
