import { createNodeHttp, createNodeSha256 } from '@hotpatch/device-ground/node'
import type { Host, InstallerPort } from '../ground/ports.ts'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import { createNodeInstaller } from './node-installer.ts'
import { createNodePart } from './node-part.ts'

export { createNodeHttp } from '@hotpatch/device-ground/node'
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
    sha256: createNodeSha256,
    clock: systemClock(),
    installer: createNodeInstaller(),
    ...ports,
  }
}
