import { exchangeUnderService, restartAsBefore } from '../../hooks/services.ts'
import type { ComponentAdapter } from '../component-adapter.ts'
import { asRevert, inWordsOfKits } from '../ground/component-errors.ts'
import { noPath, serviceCall } from '../ground/component-facts.ts'
import { readKept } from '../ground/kept-place.ts'
import { knownVersion } from '../ground/known-version.ts'
import { hasBegunApplying, markApplying } from '../ground/work-folder.ts'
import {
  exchangeFolder,
  forgetVersion,
  linkedDigest,
  prepareFolder,
  putFolderBack,
  sweepVersions,
} from './linked-folder.ts'

/** Kits §3.1: a folder, such as a web front end. */
export const filesAdapter: ComponentAdapter = {
  kind: 'files',

  async objections({ step, place, ports }) {
    const { id } = step.component
    if (place.path === '') return [noPath(id, 'files')]
    const stat = await ports.disk.stat(place.path)
    return stat?.kind === 'file' ? [`At ${place.path} lies a file; ${id} is a folder.`] : []
  },

  async inspect(work) {
    return knownVersion(work.step, await linkedDigest(work))
  },

  prepare: (work) => inWordsOfKits(work.step.component.id, () => prepareFolder(work)),

  async apply(work) {
    await inWordsOfKits(work.step.component.id, async () => {
      await markApplying(work)
      await exchangeUnderService(work.place.service, serviceCall(work), () => exchangeFolder(work))
    })
  },

  async revert(work) {
    const kept = await readKept(work)
    if (!kept) return
    await asRevert(work.step.component.id, async () => {
      const hasBegun = await hasBegunApplying(work)
      if (!hasBegun) return forgetVersion(work, kept)
      await restartAsBefore(work.place.service, serviceCall(work), {
        wasThere: kept.kind !== 'absent',
        exchange: () => putFolderBack(work, kept),
      })
      await forgetVersion(work, kept)
    })
  },

  cleanUp: sweepVersions,
}
