import type { Explanation } from '@hotpatch/api'
import { EMPTY_TREE } from '@hotpatch/protocol'
import { isOfTree } from '../../shipping/patches/patch-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'

/** What the device would fetch in place of the whole, if its client takes patches: that, it tells only when it asks. */
export function findOfferedPatch({
  decision,
  patch,
  currentVersion,
}: Pick<UpdateAnswer, 'decision' | 'patch' | 'currentVersion'>): Explanation['notices'] {
  const content = decision.kind === 'update' ? decision.release.content : undefined
  if (decision.kind !== 'update' || content?.kind !== 'archive' || !patch || !isOfTree(patch)) return []
  const base = patch.from === EMPTY_TREE ? 'nothing' : (currentVersion ?? 'what its binary shipped with')
  const bytes = `${patch.sizeBytes} bytes, in place of ${content.sizeBytes}`
  const explanation = `From ${base} to ${decision.release.version} there is a patch of ${bytes}, for a client that takes patches.`
  return [{ kind: 'patch-there', explanation }]
}
