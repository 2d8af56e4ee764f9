import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { unzip } from '../../../packages/server/src/testing.ts'
import type { AppConfiguration, Metadata, NativeHalf, StatusReport } from './native-half.ts'

type Files = ReadonlyMap<string, Buffer>

interface Installed {
  metadata: Metadata
  files: Files
}

const SIGNATURE = /(?:^|\/)\.codepushrelease$/

/** In place of the native half where there is no Java: what the Android code does, over files in memory. */
export function createStandIn(config: AppConfiguration & { id: string }): NativeHalf {
  let appVersion = '1.0.0'
  let current: Installed | null = null
  let previous: Installed | null = null
  let isPending = false
  /** Whether what is pending was run once. */
  let wasStarted = false
  /** What the native half has to tell the JavaScript half. */
  let report: StatusReport | null = null
  const failed = new Set<string>()
  const staged = new Map<string, Files>()
  let downloadedBytes = 0
  let onReload = () => undefined as void

  const module = {
    codePushInstallModeImmediate: 0,
    codePushInstallModeOnNextRestart: 1,
    codePushInstallModeOnNextResume: 2,
    codePushInstallModeOnNextSuspend: 3,
    codePushUpdateStateRunning: 0,
    codePushUpdateStatePending: 1,
    codePushUpdateStateLatest: 2,
    getConfiguration: async () => ({
      appVersion,
      deploymentKey: config.deploymentKey,
      serverUrl: config.serverUrl,
      clientUniqueId: config.id,
    }),
    getUpdateMetadata: async () => current?.metadata ?? null,
    isFailedUpdate: async (hash: string) => failed.has(hash),
    isFirstRun: async () => false,
    async downloadUpdate(update: Metadata) {
      const answer = await fetch(update.downloadUrl, { headers: { 'accept-encoding': 'identity' } })
      const bytes = Buffer.from(await answer.arrayBuffer())
      // Its Android code refuses a download of another length.
      assert.equal(Number(answer.headers.get('content-length')), bytes.length)
      downloadedBytes = bytes.length
      staged.set(update.packageHash, await unpack(bytes, current, update.packageHash))
      return update
    },
    async installUpdate(update: Metadata) {
      const files = staged.get(update.packageHash)
      assert.ok(files)
      ;[previous, current, isPending, wasStarted] = [current, { metadata: update, files }, true, false]
    },
    async notifyApplicationReady() {
      if (isPending && current) report = { status: 'DeploymentSucceeded', package: current.metadata, ...before() }
      isPending = false
    },
    async getNewStatusReport(): Promise<StatusReport | null> {
      const told = report
      report = null
      return told
    },
    recordStatusReported: () => undefined,
    saveStatusReportForRetry: () => undefined,
    setLatestRollbackInfo: async () => undefined,
    getLatestRollbackInfo: async () => null,
    clearPendingRestart: async () => undefined,
    async restartApp() {
      wasStarted = isPending
      onReload()
    },
    allow: async () => undefined,
    disallow: async () => undefined,
  }
  const before = () => ({
    previousLabelOrAppVersion: previous?.metadata.label ?? appVersion,
    previousDeploymentKey: config.deploymentKey,
  })

  return {
    async start(reload) {
      if (isPending && wasStarted) rollBack()
      wasStarted = isPending
      onReload = () => reload(module)
      return module
    },
    runs: () => current?.files.get('CodePush/index.android.bundle')?.toString() ?? 'built in',
    downloadedBytes: () => downloadedBytes,
    update: (version: string) => void ([appVersion, current, previous, isPending] = [version, null, null, false]),
  }

  function rollBack() {
    assert.ok(current)
    failed.add(current.metadata.packageHash)
    report = { status: 'DeploymentFailed', package: current.metadata }
    ;[current, previous, isPending] = [previous, null, false]
  }
}

/** As its Android code takes a download: a package of what changed is laid over what runs, and held against the hash. */
async function unpack(bytes: Buffer, current: Installed | null, packageHash: string): Promise<Files> {
  const files = await unzip(bytes)
  const manifest = files.get('hotcodepush.json')
  if (!manifest) return files
  files.delete('hotcodepush.json')
  const { deletedFiles } = JSON.parse(manifest.toString()) as { deletedFiles: string[] }
  const whole = new Map([...(current?.files ?? []), ...files])
  for (const path of deletedFiles) if (!files.has(path)) whole.delete(path)
  assert.equal(hashOf(whole), packageHash, 'The update contents failed the data integrity check.')
  return whole
}

function hashOf(files: Files): string {
  const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex')
  const entries = [...files].flatMap(([path, content]) => (SIGNATURE.test(path) ? [] : [`${path}:${sha256(content)}`]))
  return sha256(JSON.stringify(entries.sort()))
}
