import { KitError } from '../ground/kit-error.ts'
import { confirmCoordinator, excuseCoordinator, noteLook } from '../launcher/confirm-coordinator.ts'
import type { KitGround } from './kit-ground.ts'

/**
 * Kits §8.8: a new coordinator has confirmed itself once it has come to a result, whatever that is. That it was not
 * answered is none: nobody knows yet whether it can ask at all, and nothing is held against it either.
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

/** Of what is there, for people: that counts neither for a new coordinator nor against it. */
export async function asLookOfCoordinator<T>({ ports, launchedAs }: KitGround, work: () => Promise<T>): Promise<T> {
  const result = await work()
  await quietly(noteLook(ports.disk, launchedAs))
  return result
}

/** What is not noted now is noted by the next run, or the launcher goes back: nothing else depends on it. */
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined)
}
