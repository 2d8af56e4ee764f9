import {
  beginSession,
  nextSession,
  type DeviceContext,
  type Devices,
  type DeviceState,
  type SessionEnd,
} from './devices.ts'
import { deviceId, traitsOf } from './profile.ts'
import { createRandom, hash } from './random.ts'

/** As the server's own schema has it: these devices refuse nothing. */
type CheckAnswer =
  | { updateAvailable: true; releaseId: string; version: string; rollBackTo?: undefined }
  | { updateAvailable: false; rollBackTo?: 'embedded' }

const EMBEDDED = 0

/**
 * Devices that only ask, and believe every answer: the next time they say that they run what they were offered.
 * Four bytes for each, for fleets of a million.
 */
export function createLightDevices(context: DeviceContext): Devices {
  const { options, profile, tally, network } = context
  const { seed, platforms } = options
  const running = new Uint16Array(options.devices)
  const sessions = new Uint16Array(options.devices)
  const releases: { releaseId: string; version: string }[] = []
  const numbers = new Map<string, number>()

  /** From 1: what the fleet was ever offered is a handful. */
  function numberOf(release: { releaseId: string; version: string }): number {
    const known = numbers.get(release.releaseId)
    if (known !== undefined) return known
    const number = releases.push(release)
    numbers.set(release.releaseId, number)
    return number
  }

  const releaseOf = (index: number) => releases[(running[index] ?? EMBEDDED) - 1]
  const versionOf = (index: number) => releaseOf(index)?.version ?? context.embedded

  async function open(index: number, at: number): Promise<SessionEnd> {
    sessions[index] = (sessions[index] ?? 0) + 1
    const random = createRandom(hash(seed, 'session', index, sessions[index] ?? 0))
    const { isOffline, isLast } = beginSession(context, random)
    if (isLast) {
      tally.move(versionOf(index), null)
      return null
    }
    let time = at
    const pass = (ms: number) => {
      time += ms
    }
    const http = network.connect({ index, random, isOffline, breaksAfter: undefined, pass })
    tally.counts.checks += 1
    try {
      const { status, body } = await http.open(checkOf(index)).response
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      take(index, status, chunks[0])
    } catch {
      tally.answered('failed')
    }
    return nextSession(context, random, time, 0)
  }

  function take(index: number, status: number, body: Uint8Array | undefined): void {
    if (status !== 200 || !body) return tally.answered('failed')
    const answer = JSON.parse(new TextDecoder().decode(body)) as CheckAnswer
    const isBack = answer.rollBackTo === 'embedded'
    tally.answered(answer.updateAvailable ? 'release' : isBack ? 'embedded' : 'nothing')
    if (!answer.updateAvailable && !isBack) return
    const before = versionOf(index)
    running[index] = answer.updateAvailable ? numberOf(answer) : EMBEDDED
    tally.counts.applied += 1
    tally.move(before, versionOf(index))
  }

  function checkOf(index: number) {
    const { id, platform, model, osVersion, locale } = traitsOf(index, { seed, platforms, profile })
    const [nativeVersion = '1.0.0'] = profile.nativeVersions
    const release = releaseOf(index)
    const body = {
      appId: options.app.id,
      deviceId: id,
      platform,
      channel: options.channel,
      version: release?.version ?? nativeVersion,
      ...(release && { releaseId: release.releaseId }),
      nativeVersion,
      model,
      osVersion,
      locale,
    }
    return {
      method: 'POST' as const,
      url: `${options.serverUrl.replace(/\/+$/, '')}/update/check`,
      headers: { 'x-app-key': options.app.appKey, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
    }
  }

  function stateOf(index: number): DeviceState | undefined {
    if (index >= options.devices) return undefined
    const { releaseId = null } = releaseOf(index) ?? {}
    return {
      id: deviceId(seed, index),
      version: versionOf(index),
      releaseId,
      nativeVersion: profile.nativeVersions[0] ?? '1.0.0',
      sessions: sessions[index] ?? 0,
      crashes: 0,
      isGone: false,
    }
  }

  return { open, stateOf }
}
