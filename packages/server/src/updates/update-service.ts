import { decide, type Decision, type Device } from '@hotpatch/protocol'
import type { Clock } from '../clock.ts'
import type { OfferedRelease, Restatement } from './catalog-queries.ts'
import type { LiveCatalog } from './catalogs.ts'

/** What a dialect's `read` makes of a request. */
export interface UpdateCheck {
  deviceId: string
  nativeVersion: string | undefined
  runtimeVersion: string | undefined
  current: RunningCode
  failedReleaseIds: readonly string[]
  cohorts: readonly string[]
}

/** What the client says that it runs. */
export type RunningCode =
  | { kind: 'embedded' }
  | { kind: 'release'; id: string }
  /** A text that is the version of a release, or else of the shell, which then runs what it shipped with. */
  | { kind: 'version'; version: string }

/** A decision with what its rendering needs. */
export interface UpdateAnswer {
  decision: Decision<OfferedRelease>
  device: Device
  currentVersion: string | null
  /** The publisher's signature for this very answer, where a roll-back was signed. */
  restatement: Restatement | undefined
}

/** Reports of this device that it may not repeat itself; from memory. */
export type FailureMemory = (appId: string, deviceId: string) => readonly string[]

export type UpdateService = ReturnType<typeof createUpdateService>

/** The way every dialect takes: check → catalog in memory → decide. Synchronous. */
export function createUpdateService({ clock, failedReleaseIds }: { clock: Clock; failedReleaseIds: FailureMemory }) {
  function answer(catalog: LiveCatalog, check: UpdateCheck, options?: { trace: boolean }): UpdateAnswer {
    const { device, currentVersion } = toDevice(catalog, check)
    const decision = decide(catalog, device, clock.now(), options)
    const rollout = decision.kind === 'update' || decision.kind === 'embedded' ? decision.rollout : null
    const restatement = rollout?.restated ? catalog.restatements.get(rollout.id) : undefined
    return { decision, device, currentVersion, restatement }
  }

  function toDevice(catalog: LiveCatalog, check: UpdateCheck): { device: Device; currentVersion: string | null } {
    const running = resolveRunning(catalog, check.current)
    const remembered = failedReleaseIds(catalog.appId, check.deviceId)
    const device: Device = {
      id: check.deviceId,
      nativeVersion: check.nativeVersion ?? running.nativeVersion,
      runtimeVersion: check.runtimeVersion,
      currentReleaseId: running.releaseId,
      failedReleaseIds: remembered.length === 0 ? check.failedReleaseIds : [...check.failedReleaseIds, ...remembered],
      cohorts: check.cohorts,
    }
    return { device, currentVersion: running.version }
  }

  return { answer }
}

interface Running {
  releaseId: string | null
  version: string | null
  nativeVersion: string | undefined
}

function resolveRunning(catalog: LiveCatalog, current: RunningCode): Running {
  switch (current.kind) {
    case 'embedded':
      return { releaseId: null, version: null, nativeVersion: undefined }
    case 'release': {
      const target = catalog.byRelease.get(current.id)?.[0]?.target
      const version = target === undefined || target === 'embedded' ? null : target.version
      return { releaseId: current.id, version, nativeVersion: undefined }
    }
    case 'version': {
      const release = catalog.byVersion.get(current.version)
      if (release) return { releaseId: release.id, version: release.version, nativeVersion: undefined }
      return { releaseId: null, version: null, nativeVersion: current.version }
    }
  }
}
