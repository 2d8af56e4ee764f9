import { createNodeHttp } from '@hotpatch/device-ground/node'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import type { Engine } from '../engine/engine.ts'
import { createEngine } from '../engine/react-native-engine.ts'
import type { HostPort, Ports } from '../ground/ports.ts'
import type { EngineConfig } from '../ground/settings.ts'
import { createNodeCrypto } from './node-crypto.ts'
import { createNodeEncryption } from './node-encryption.ts'
import { createNodeEmbeddedFiles } from './node-embedded-files.ts'
import { createNodeFiles } from './node-files.ts'
import { unpackBrotli } from './unpack-brotli.ts'

export { createNodeCrypto, createNodeEncryption, createNodeFiles, createNodeHttp, systemClock }
export { unpackBrotli } from './unpack-brotli.ts'
export { unpackArchive, type UnpackOptions } from './unpack-archive.ts'

export interface NodeEngineOptions extends EngineConfig {
  /** The app's private folder; everything is kept in `ota/` below it. */
  directory: string
  host: HostPort
  /** The files that the app shipped with, of which the first update may be made as a patch. */
  embeddedDirectory?: string
  /** Instead of Node's own. */
  ports?: Partial<Omit<Ports, 'host'>>
}

/** The device engine on Node or Electron. */
export function createNodeEngine({ directory, host, embeddedDirectory, ports, ...config }: NodeEngineOptions): Engine {
  return createEngine(
    {
      files: createNodeFiles(directory),
      http: createNodeHttp(),
      crypto: createNodeCrypto(),
      clock: systemClock(),
      encryption: createNodeEncryption(),
      unpackBrotli,
      ...(embeddedDirectory !== undefined && { embeddedFiles: createNodeEmbeddedFiles(embeddedDirectory) }),
      ...ports,
      host,
    },
    config,
  )
}
