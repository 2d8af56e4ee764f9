import { createHash } from 'node:crypto'
import type { Hasher, Host, InstallerPort } from '../ground/ports.ts'
import { systemClock } from '../ground/system-clock.ts'
import { createNodeHttp } from './node-http.ts'
import { createNodeInstaller } from './node-installer.ts'
import { createNodePart } from './node-part.ts'

export { createNodeHttp } from './node-http.ts'
export { createNodeInstaller, type NodeInstallerOptions } from './node-installer.ts'
export { createNodePart } from './node-part.ts'
export { thisMachine } from './this-machine.ts'

export interface NodeHostOptions extends Partial<Omit<Host, 'installer'>> {
  /** A folder for nothing but the download, private to the app. */
  directory: string
  /** Opens the file as a double click does, when absent. */
  installer?: InstallerPort
}

/** An app on Node. */
export function createNodeHost({ directory, ...ports }: NodeHostOptions): Host {
  return {
    http: createNodeHttp(),
    part: createNodePart(directory),
    sha256: nodeSha256,
    clock: systemClock(),
    installer: createNodeInstaller(),
    ...ports,
  }
}

export function nodeSha256(): Hasher {
  const hash = createHash('sha256')
  return {
    update(bytes) {
      hash.update(bytes)
    },
    digest: () => hash.digest(),
  }
}
