import { KitError, type KitCode } from '../ground/kit-error.ts'
import { inWordsOfDisk } from '../ground/storage-error.ts'
import { confirmCoordinator, excuseCoordinator, noteLook } from '../launcher/confirm-coordinator.ts'
import type { KitGround } from './kit-ground.ts'

/** Nobody was reached, or a disk that is full or somebody else's came first. */
const SAYS_NOTHING = new Set<KitCode>(['check-failed', 'storage-full', 'storage-failed', 'installed-invalid'])

/**
 * Kits §8.8: a new coordinator has confirmed itself once a check of it was answered, whatever the answer. That it reached
 * nobody is none: nobody knows yet whether it can ask at all, and nothing is held against it either.
 */
export async function asRunOfCoordinator<T>({ ports, launchedAs }: KitGround, work: () => Promise<T>): Promise<T> {
  const { disk } = ports
  try {
    const result = await inWordsOfDisk(work)
    await quietly(confirmCoordinator(disk, launchedAs))
    return result
  } catch (error) {
    if (error instanceof KitError) {
      const wasAnswered = !SAYS_NOTHING.has(error.code)
      await quietly(wasAnswered ? confirmCoordinator(disk, launchedAs) : excuseCoordinator(disk, launchedAs))
    }
    throw error
  }
}

/**
 * Of everything else: that counts neither for a new coordinator nor against it. What neither a kit nor a disk says is
 * a coordinator's bug.
 */
export async function asLookOfCoordinator<T>({ ports, launchedAs }: KitGround, work: () => Promise<T>): Promise<T> {
  try {
    const result = await inWordsOfDisk(work)
    await quietly(noteLook(ports.disk, launchedAs))
    return result
  } catch (error) {
    if (error instanceof KitError) await quietly(excuseCoordinator(ports.disk, launchedAs))
    throw error
  }
}

/** What is not noted now is noted by the next run, or the launcher goes back: nothing else depends on it. */
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined)
}
