import type { Rollout } from '../packages/api/src/index.ts'

/** What somebody wanted to publish. Its version is its own: no other attempt has it. */
export interface Attempt {
  app: string
  platform: string
  version: string
  channel: string
  sha256: string
  sizeBytes: number
  sequence: number
  /** Devices that have it crash. */
  isBad: boolean
  /** Undefined: nobody said that it is there. It may be, as a whole. */
  releaseId: string | undefined
}

export type RolloutFacts = Pick<Rollout, 'state' | 'percentage' | 'revision'>

/** A rollout as it was acknowledged last. */
export interface KnownRollout extends RolloutFacts {
  id: string
  releaseId: string
  platform: string
  channel: string
  /** Since when it is in this state, by the campaign's clock. */
  since: number
  /** Somebody is about to change it, or does not know what came of that. */
  isUnsure: boolean
}

/** A resumable upload that was begun and is not done. */
export interface KnownUpload {
  id: string
  server: number
  offset: number
  /** Nobody goes on with it. */
  isAbandoned: boolean
}

/** A report of a device that was acknowledged, and not yet looked for. */
export interface KnownReport {
  deviceId: string
  eventId: string
}

export type Ledger = ReturnType<typeof createLedger>

/** Outside of all servers: what they have acknowledged. */
export function createLedger(now: () => number = () => performance.now()) {
  const attempts = new Map<string, Attempt>()
  const releases: Attempt[] = []
  const byReleaseId = new Map<string, Attempt>()
  const rollouts = new Map<string, KnownRollout>()
  const rolloutsOf = new Map<string, KnownRollout[]>()
  const uploads = new Map<string, KnownUpload>()
  const placing = new Set<string>()
  const perhapsPlaced = new Set<string>()
  let reports: KnownReport[] = []

  function attempt(planned: Omit<Attempt, 'releaseId'>): Attempt {
    const made = { ...planned, releaseId: undefined }
    attempts.set(keyOf(made), made)
    return made
  }

  function acknowledgeRelease(attempted: Attempt, releaseId: string): void {
    if (attempted.releaseId !== undefined) return
    attempted.releaseId = releaseId
    byReleaseId.set(releaseId, attempted)
    releases.push(attempted)
  }

  function acknowledgeRollout(
    rollout: Pick<Rollout, 'id' | 'releaseId' | 'platform' | 'channel'> & RolloutFacts,
  ): KnownRollout {
    const { id, platform, channel, state, percentage, revision } = rollout
    const known = rollouts.get(id)
    if (known) {
      if (known.state !== state) known.since = now()
      return Object.assign(known, { state, percentage, revision, isUnsure: false })
    }
    const releaseId = rollout.releaseId ?? ''
    const added = { id, releaseId, platform, channel, state, percentage, revision, since: now(), isUnsure: false }
    rollouts.set(id, added)
    const others = rolloutsOf.get(releaseId) ?? []
    rolloutsOf.set(releaseId, [...others, added])
    return added
  }

  /** Somebody is about to place it there. @returns what says that this is over, and whether it is known what came of it */
  function beginPlacing(releaseId: string, channel: string): (isKnown: boolean) => void {
    const place = placeOf(releaseId, channel)
    placing.add(place)
    return (isKnown) => {
      placing.delete(place)
      if (!isKnown) perhapsPlaced.add(place)
    }
  }

  /** @returns those that nobody has looked for, which are then looked for */
  function takeReports(most: number): KnownReport[] {
    const taken = reports.slice(0, most)
    reports = reports.slice(most)
    return taken
  }

  return {
    attempt,
    attempts,
    findAttempt: (app: string, platform: string, version: string) => attempts.get(keyOf({ app, platform, version })),
    acknowledgeRelease,
    acknowledgeRollout,
    /** In the order in which they were acknowledged. */
    releases: releases as readonly Attempt[],
    findRelease: (releaseId: string) => byReleaseId.get(releaseId),
    rollouts: rollouts as ReadonlyMap<string, KnownRollout>,
    rolloutsOf: (releaseId: string): readonly KnownRollout[] => rolloutsOf.get(releaseId) ?? [],
    uploads,
    beginPlacing,
    isBeingPlaced: (releaseId: string, channel: string) => placing.has(placeOf(releaseId, channel)),
    /** Whether somebody placed it there once and never heard what came of it. */
    isPerhapsPlaced: (releaseId: string, channel: string) => perhapsPlaced.has(placeOf(releaseId, channel)),
    addReport: (report: KnownReport) => void reports.push(report),
    takeReports,
    reportsLeft: () => reports.length,
  }
}

function placeOf(releaseId: string, channel: string): string {
  return `${releaseId} ${channel}`
}

function keyOf({ app, platform, version }: Pick<Attempt, 'app' | 'platform' | 'version'>): string {
  return `${app} ${platform} ${version}`
}
