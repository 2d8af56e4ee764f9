import { expect } from 'vitest'
import type { FilesPort, HttpPort } from '@hotpatch/device-ground'
import { archiveInstaller } from '../archive/archive-installer.ts'
import { fileDecrypter } from '../decrypt/decrypter.ts'
import { staticEdge } from '../edge/update-source.ts'
import { filesInstaller } from '../files/files-installer.ts'
import { treePatcher } from '../patch/patcher.ts'
import { createEngineFor, type Engine } from '../engine/engine.ts'
import type { Launch, StartOptions } from '../recovery/launch.ts'
import { createMemoryFiles, type MemoryFiles, type Survival } from '../memory/memory-files.ts'
import { createVirtualClock } from '../memory/virtual-clock.ts'
import { createNodeCrypto } from '../node/node-crypto.ts'
import { createNodeEncryption } from '../node/node-encryption.ts'
import { unpackBrotli } from '../node/unpack-brotli.ts'
import type { EmbeddedFilesPort, HostPort } from '../ground/ports.ts'
import type { EngineConfig } from '../ground/settings.ts'
import { MARKER } from '../state/storage-layout.ts'
import { SERVER, type FakeServer } from './fake-server.ts'
import { testContract } from './test-contract.ts'
import { APP_ID, type PublishedRelease } from './publisher.ts'

export interface DeviceOptions {
  server: Pick<FakeServer, 'http'> & { http: HttpPort }
  publicKeys?: string[]
  config?: Partial<EngineConfig>
  random?: () => number
  /** What its binary shipped with; without it the host shows nothing. */
  embedded?: ReadonlyMap<string, Uint8Array>
}

export type Device = ReturnType<typeof createDevice>

/** A simulated device: its disk outlives its processes, and its clock is virtual. */
export function createDevice({ server, publicKeys = [], config, random, embedded }: DeviceOptions) {
  const host: HostPort = { nativeVersion: '1.0', platform: 'android' }
  const clock = createVirtualClock({ whenIdle: setImmediate, startAt: Date.UTC(2026, 0, 1), ...(random && { random }) })
  const crypto = createNodeCrypto()
  const encryption = createNodeEncryption()
  let disk: MemoryFiles = createMemoryFiles()

  const embeddedFilesOf = (shipped: ReadonlyMap<string, Uint8Array>): EmbeddedFilesPort => ({
    list: async () => [...shipped].map(([path, bytes]) => ({ path, sizeBytes: bytes.length })),
    async readRange(path, offset, length) {
      const bytes = shipped.get(path)?.slice(offset, offset + length)
      if (!bytes) throw new Error(`there is no ${path} in the binary`)
      device.embeddedReads += bytes.length
      return bytes
    },
  })

  const device = {
    clock,
    restarts: 0,
    host,
    embedded,
    /** What was read of it, in bytes. */
    embeddedReads: 0,
    engine: undefined as unknown as Engine,
    disk: () => disk,
    /** A new process over the same disk. */
    boot(files: FilesPort = disk, options: StartOptions = {}): Promise<Launch> {
      const restart = () => {
        device.restarts += 1
      }
      device.engine = createEngineFor(
        {
          files,
          http: server.http,
          crypto,
          clock,
          unpackBrotli,
          encryption,
          host: { restart, ...device.host },
          ...(device.embedded && { embeddedFiles: embeddedFilesOf(device.embedded) }),
        },
        {
          serverUrl: SERVER,
          appKey: 'key',
          appId: APP_ID,
          deviceId: 'device-1',
          channel: 'production',
          publicKeys,
          ...config,
          limits: { resumableBytes: 500, ...config?.limits },
        },
        {
          contract: testContract,
          installers: [archiveInstaller, filesInstaller],
          patcher: treePatcher,
          decrypter: fileDecrypter,
          edge: staticEdge,
        },
      )
      return device.engine.start(options)
    },
    cutPower(survival: Survival, options = {}): void {
      disk = disk.cutPower(survival, options)
    },
    /** Which of the releases a launch runs: every file compared, none more, none fewer. */
    identify(launched: Launch, releases: readonly PublishedRelease[]): string {
      if (launched.kind === 'embedded') return 'embedded'
      const release = releases.find(({ releaseId }) => releaseId === launched.releaseId)
      const tree = disk.tree(launched.directory.replace('/memory/', ''))
      tree?.delete(MARKER)
      expect(tree, `the files of ${launched.releaseId}`).toEqual(release?.files)
      expect(launched.version).toBe(release?.version)
      return launched.version
    },
  }
  return device
}
