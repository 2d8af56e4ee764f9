import { KitError } from '../ground/kit-error.ts'
import { confirmCoordinator, excuseCoordinator, noteLook } from '../launcher/confirm-coordinator.ts'
import type { KitGround } from './kit-ground.ts'

/**
 * Kits §8.8: a new coordinator has confirmed itself once a check of it was answered, whatever the answer. That it reached
 * nobody is none: nobody knows yet whether it can ask at all, and nothing is held against it either.
 */
export async function asRunOfCoordinator<T>({ ports, launchedAs }: KitGround, work: () => Promise<T>): Promise<T> {
  const { disk } = ports
  try {
    const result = await work()
    await quietly(confirmCoordinator(disk, launchedAs))
    return result
  } catch (error) {
    if (error instanceof KitError) {
      const wasAnswered = error.code !== 'check-failed'
      await quietly(wasAnswered ? confirmCoordinator(disk, launchedAs) : excuseCoordinator(disk, launchedAs))
    }
    throw error
  }
}

/** Of everything else: that counts neither for a new coordinator nor against it. What no kit says is a coordinator's bug. */
export async function asLookOfCoordinator<T>({ ports, launchedAs }: KitGround, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work()
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
