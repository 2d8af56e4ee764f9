import { resolve } from 'node:path'
import { requirementOfKit } from '@hotpatch/protocol'
import { findKitDescription, readKitDescription } from '../content/kit/read-kit-description.ts'
import type { AskedReleases } from '../release/plan-and-publish.ts'
import { readWishes, type ReleaseOptions } from '../release/release-wishes.ts'
import type { Session } from '../session/session.ts'

/** What options say of a kit in place of its description, and of the rollout. */
export interface KitOptions extends Omit<ReleaseOptions, 'platform' | 'version'> {
  releaseId?: string
  severity?: string
}

/** One release for every platform: which machine takes what, the kit says. */
export async function askedKit(
  { project, context }: Session,
  named: string | undefined,
  options: KitOptions,
): Promise<AskedReleases> {
  const directory = project?.directory ?? context.cwd
  const path = named === undefined ? await findKitDescription(directory) : resolve(context.cwd, named)
  const { releaseId, severity, channel, notes } = options
  const description = await readKitDescription(path, { release_id: releaseId, severity, channel, notes })
  const { draft } = description
  const stated = { version: draft.releaseId, channel: draft.channel, notes: draft.notes ?? '' }
  const { requirement: _, ...wishes } = readWishes({ ...options, ...stated }, 'any', undefined)
  const content = { platform: 'any' as const, projectDirectory: directory, withSourceMaps: false }
  const input = { kind: 'kit' as const, path, description }
  return { asked: new Map([['any', { wishes: { ...wishes, requirement: requirementOfKit(draft) }, content, input }]]) }
}
