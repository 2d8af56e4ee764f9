import type { InstalledComponent } from '@hotpatch/protocol'
import { findOpenApply } from '../applying/coordinator.ts'
import { takeLock } from '../applying/lock.ts'
import { KitError } from '../ground/kit-error.ts'
import { writeInstalledRelease } from '../installation/installed-release.ts'
import { readPointerOn } from '../launcher/coordinator-pointer.ts'
import { isSameRelease, readKeptReleases } from '../keeping/kept-releases.ts'
import type { KitGround } from './kit-ground.ts'

/**
 * Kits §8.8: the launcher has gone back from a coordinator that was installed, and it tells nobody but people. So the one
 * that runs again writes down what is installed, and reports it. With the lock; it may be run twice.
 */
export async function noteLeftCoordinator(ground: KitGround): Promise<void> {
  const found = await findLeftCoordinator(ground)
  if (!found) return
  const { installation, ports, log } = ground
  const { installed, current, component, version, sha256 } = found
  const { releaseId } = installed
  const kept = await readKeptReleases(ports.disk).catch(() => [])
  const rolloutId = kept.find((each) => isSameRelease(each, installed))?.rolloutId
  const back = current === null ? 'the one that was installed by people' : `version ${current.version}`
  const detail = `Version ${version} of the coordinator never confirmed itself: back to ${back}.`
  const about = { transaction: sha256, component, releaseId, ...(rolloutId !== undefined && { rolloutId }) }
  const reports = await ground.outbox()
  // Before what is installed says it: it is told again after a power cut in between, and counted once.
  await reports.add(
    { ...about, kind: 'failed', code: 'service-failed', detail },
    { ...about, kind: 'rolled-back', detail },
  )
  await log.write('coordinator-left', { releaseId, component, version, message: detail })
  const others = Object.entries(installed.components).filter(([id]) => id !== component)
  // Of the one that people have installed no release has said what it is.
  const now: [string, InstalledComponent][] = current === null ? [] : [[component, current]]
  const components = Object.fromEntries([...others, ...now])
  await writeInstalledRelease(ports.disk, installation.releaseFile, { ...installed, components })
}

/** For whoever has no lock, and nothing to do with it but this: if somebody else has it, he will. */
export async function noteLeftCoordinatorIfFree(ground: KitGround): Promise<void> {
  if (!(await findLeftCoordinator(ground)) || (await findOpenApply(ground.ports))) return
  try {
    const { disk, clock, process } = ground.ports
    const lock = await takeLock(disk, process, clock)
    try {
      await noteLeftCoordinator(ground)
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (!(error instanceof KitError && error.code === 'already-running')) throw error
  }
}

async function findLeftCoordinator({ ports, readInstalled }: KitGround) {
  const installed = await readInstalled()
  if (!installed) return undefined
  const { current, failed } = await readPointerOn(ports.disk)
  for (const [component, { version, sha256 }] of Object.entries(installed.components)) {
    if (sha256 === undefined || sha256 === current?.sha256 || !failed.includes(sha256)) continue
    return { installed, current, component, version, sha256 }
  }
  return undefined
}
