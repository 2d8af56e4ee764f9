import { createNodeDisk } from '../../ground/node-disk.ts'
import { loadInstallation } from '../../installation/read-installation.ts'
import { createKitChecks, type KitChecks } from '../kit-checks.ts'
import { createInstallationChecks, type InstallationChecksOptions } from './installation-checks.ts'
import { nodeCheckPorts } from './node-check-ports.ts'

/**
 * The checks of an application that is part of the kit installed in `root`. A `kit.json` that is none is for the log of
 * each check: the application starts all the same.
 *
 * @example
 * const checks = await openKitChecks({ root: '/srv/kit', application: 'gateway' })
 * checks.start()
 */
export async function openKitChecks(options: Omit<InstallationChecksOptions, 'installation'>): Promise<KitChecks> {
  const { root, application, ports } = options
  try {
    const installation = await loadInstallation(createNodeDisk(root))
    return createInstallationChecks({ ...options, installation })
  } catch (error) {
    const readInstalled = () => Promise.reject(error)
    const broken = { ...nodeCheckPorts(root), ...ports, readInstalled }
    return createKitChecks({ application, publicKeys: [], channel: 'stable', ports: broken })
  }
}
