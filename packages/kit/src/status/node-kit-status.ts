import { join } from 'node:path'
import { MAX_KIT_MANIFEST_BYTES, readInstalledKit } from '@hotpatch/protocol'
import { chooseChannel } from '../checking/channel.ts'
import type { KitChecks } from '../checking/kit-checks.ts'
import { readSmallFile } from '../ground/read-small-file.ts'
import { describeKit, type KitStatus, type LastApply } from './kit-status.ts'
import { readLastApply } from './last-apply.ts'

export interface NodeKitStatusOptions {
  /** Where the kit is installed. */
  root: string
  /** As `chooseChannel` has it; that of the environment when absent. */
  channel?: string
  /** Absent: nobody knows of updates. It is not asked to check. */
  checks?: Pick<KitChecks, 'refresh'>
  releaseFile?: string
}

/** Reads what is installed, what is known of updates, and what became of the last apply. Changes nothing. */
export function nodeKitStatus({
  root,
  channel,
  checks,
  releaseFile = 'substratum-kit-release.json',
}: NodeKitStatusOptions): () => Promise<KitStatus> {
  return async () => {
    const [text, known, lastApply] = await Promise.all([
      readSmallFile(join(root, releaseFile), MAX_KIT_MANIFEST_BYTES),
      checks?.refresh(),
      readLastApply(root).catch(noApply),
    ])
    const installed = text === undefined ? undefined : readInstalledKit(text)
    return describeKit({ installed, channel: channel ?? installed?.channel ?? chooseChannel(), known, lastApply })
  }
}

/** A gateway that may not read the coordinator's folder still says what is installed. */
function noApply(error: unknown): LastApply | undefined {
  if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined
  throw error
}
