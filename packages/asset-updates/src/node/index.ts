import { systemClock, createNodeCrypto, createNodeFiles, createNodeHttp } from '@hotpatch/client/node'
import type { UpdateManagerPorts } from '../manager/ota-update-manager.ts'

/** What the manager needs of Node or Electron; everything is kept in `ota/` below the folder. */
export function createNodePorts(directory: string, host: UpdateManagerPorts['host']): UpdateManagerPorts {
  return {
    files: createNodeFiles(directory),
    http: createNodeHttp(),
    crypto: createNodeCrypto(),
    clock: systemClock(),
    host,
  }
}
