import { exchangeUnderService, restartAsBefore } from '../../hooks/services.ts'
import type { ComponentAdapter, ComponentWork } from '../component-adapter.ts'
import { expectArtifact, hashFile } from '../ground/component-artifact.ts'
import { asRevert, fail, inWordsOfKits } from '../ground/component-errors.ts'
import { noPath, pathOf, serviceCall } from '../ground/component-facts.ts'
import { keepPlace, KEPT, placeFile, putFileBack, readKept } from '../ground/kept-place.ts'
import { knownVersion } from '../ground/known-version.ts'
import { hasBegunApplying, markApplying } from '../ground/work-folder.ts'

const NEW = 'new'
/** Of one that was not there before: everybody may run it. */
const RIGHTS = { mode: 0o755 }

/** Kits §3.2: an executable, and the service that runs it. */
export const binaryAdapter: ComponentAdapter = {
  kind: 'binary',

  async objections({ step, place, ports }) {
    const { id } = step.component
    if (place.path === '') return [noPath(id, 'binary')]
    const stat = await ports.disk.stat(place.path)
    return stat?.kind === 'directory' ? [`At ${place.path} lies a folder; ${id} is an executable.`] : []
  },

  async inspect({ step, place, ports }) {
    return knownVersion(step, await hashFile(ports.disk, ports.crypto, place.path))
  },

  prepare: (work) => inWordsOfKits(work.step.component.id, () => prepareBinary(work)),

  async apply(work) {
    await inWordsOfKits(work.step.component.id, async () => {
      await markApplying(work)
      await exchangeUnderService(work.place.service, serviceCall(work), () => exchangeBinary(work))
    })
  },

  async revert(work) {
    const kept = await readKept(work)
    if (!kept || !(await hasBegunApplying(work))) return
    await asRevert(work.step.component.id, () =>
      restartAsBefore(work.place.service, serviceCall(work), {
        wasThere: kept.kind !== 'absent',
        exchange: () => putFileBack(work, kept, work.place.path),
      }),
    )
  },

  async cleanUp() {
    // Everything is in the work folder.
  },
}

async function prepareBinary(work: ComponentWork): Promise<void> {
  const path = pathOf(work)
  const { id } = work.step.component
  const kept = await keepPlace(work, path)
  if (kept.kind === 'folder' || kept.kind === 'link') {
    fail('installation-invalid', id, `Expected an executable at ${path}, or nothing; found a ${kept.kind}.`)
  }
  await copyNew(work)
}

async function copyNew(work: ComponentWork): Promise<void> {
  const { workPath, ports } = work
  const { path } = await expectArtifact(work)
  await ports.disk.copyFile(path, `${workPath}/${NEW}`)
  const rights = await ports.disk.rights(`${workPath}/${KEPT}`)
  // Whoever could run the old one can run the new one.
  await ports.disk.setRights(`${workPath}/${NEW}`, rights ? { ...rights, mode: rights.mode | 0o100 } : RIGHTS)
  await ports.disk.syncDirectory(workPath)
}

async function exchangeBinary(work: ComponentWork): Promise<void> {
  const { disk, crypto } = work.ports
  const path = pathOf(work)
  if ((await disk.stat(`${work.workPath}/${NEW}`)) === undefined) {
    if ((await hashFile(disk, crypto, path)) === work.step.file?.sha256) return
    await copyNew(work)
  }
  await placeFile(work, NEW, path)
}
