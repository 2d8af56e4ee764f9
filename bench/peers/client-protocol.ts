import type { PeerDevice } from './devices.ts'
import type { PeerRelease } from './releases.ts'

/** How the client of a peer asks, and what it must be answered; the peer and HotPatch alike. */
export interface ClientProtocol {
  name: string
  releases: readonly PeerRelease[]
  headers: Readonly<Record<string, string>>
  /** @param place what a server has given the app: the start of its path, or a key */
  pathOf(device: PeerDevice, place: string): string
  /** @returns what of the answer is not as it must be */
  judge(answer: unknown, device: PeerDevice): string | undefined
}

/** @returns what differs first, in words. Fields that only one of the two has are no difference: clients do not read them. */
export function firstDifference(
  answer: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): string | undefined {
  for (const [field, value] of Object.entries(expected)) {
    const found = JSON.stringify(answer[field])
    const wanted = JSON.stringify(value)
    if (found !== wanted) return `expected ${field} to be ${wanted}, found ${found ?? 'nothing'}`
  }
  return undefined
}

export function fieldsOf(answer: unknown): Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {}
}
