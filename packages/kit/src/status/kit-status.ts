import type { InstalledComponent, InstalledKit } from '@hotpatch/protocol'
import type { KnownOutcome } from '../checking/check-outcome.ts'

/** Kits §6: the whole answer of `GET /api/v1/system/kit-status`, in the words of the manifest. */
export interface KitStatus {
  /** Of what is installed; null: nothing says what that is. */
  release_id: string | null
  channel: string
  /** In the order of their ids. */
  components: { id: string; installed_version: string; status: ComponentStatus }[]
  update_available: boolean
}

export type ComponentStatus =
  | 'up_to_date'
  | 'update_available'
  /** A bundle that waits for its application's own updater. */
  | 'staged'
  | 'applying'
  /** The last apply was taken back, and this is what was there before. */
  | 'rolled_back'
  /** It could neither be finished nor taken back: people have to look. */
  | 'stuck'

/** What the coordinator last did, as far as it is worth saying. */
export interface LastApply {
  state: 'applying' | 'rolled_back' | 'stuck'
  /** Whose components it changes, or has changed back. */
  releaseId: string
  components: readonly string[]
}

export interface KitFacts {
  installed: InstalledKit | undefined
  /** Of whoever asks; what is installed says it where nobody does. */
  channel: string
  known: KnownOutcome | undefined
  lastApply: LastApply | undefined
}

export function describeKit({ installed, channel, known, lastApply }: KitFacts): KitStatus {
  const update = known !== undefined && 'update' in known ? known.update : undefined
  const changing = new Set(update?.components.map(({ id }) => id))
  const statusOf = (id: string, { stagedAt }: InstalledComponent): ComponentStatus => {
    if (lastApply?.components.includes(id) && isStillTrue(lastApply, installed)) return lastApply.state
    if (changing.has(id)) return 'update_available'
    return stagedAt === undefined ? 'up_to_date' : 'staged'
  }
  return {
    release_id: installed?.releaseId ?? null,
    channel,
    components: Object.entries(installed?.components ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, component]) => ({ id, installed_version: component.version, status: statusOf(id, component) })),
    update_available: update !== undefined,
  }
}

/** What was taken back once, and was installed since, is no news. */
function isStillTrue({ state, releaseId }: LastApply, installed: InstalledKit | undefined): boolean {
  return state !== 'rolled_back' || installed?.releaseId !== releaseId
}
