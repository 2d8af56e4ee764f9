import { runHook } from '../../hooks/run-hook.ts'
import { exchangeUnderService, restartAsBefore } from '../../hooks/services.ts'
import type { MigrationHooks } from '../../installation/installation.ts'
import type { ComponentAdapter, ComponentWork } from '../component-adapter.ts'
import { expectArtifact } from '../ground/component-artifact.ts'
import { asRevert, fail, inWordsOfKits } from '../ground/component-errors.ts'
import { hookCall, serviceCall } from '../ground/component-facts.ts'
import { unpackFolder } from '../ground/unpack.ts'
import { hasBegunApplying, markApplying } from '../ground/work-folder.ts'
import { backUp, isBackedUp, restore } from './backups.ts'

const UNPACKED = 'files'

/** Kits §3.5: brings data to a level, by a program of the installation, after a copy of them was made. */
export const migrationAdapter: ComponentAdapter = {
  kind: 'migration',

  async objections({ step, place }) {
    return place.migration ? [] : [noHooks(step.component.id)]
  },

  /** Data say of themselves what they are, to their own program alone. */
  inspect: async () => undefined,

  async prepare(work) {
    await inWordsOfKits(work.step.component.id, async () => {
      hooksOf(work)
      if (work.step.file === undefined) return
      const artifact = await expectArtifact(work)
      if (artifact.file.format === 'raw') return
      const folder = `${work.workPath}/${UNPACKED}`
      await work.ports.disk.remove(folder)
      await unpackFolder(work.ports, artifact, { folder, component: work.step.component.id })
    })
  },

  async apply(work) {
    await inWordsOfKits(work.step.component.id, async () => {
      await markApplying(work)
      await exchangeUnderService(work.place.service, serviceCall(work), () => migrate(work))
    })
  },

  async revert(work) {
    if (!(await hasBegunApplying(work))) return
    await asRevert(work.step.component.id, () =>
      restartAsBefore(work.place.service, serviceCall(work), {
        wasThere: true,
        // Before everything was kept nothing has begun.
        exchange: async () => ((await isBackedUp(work)) ? restore(work, hooksOf(work).backup) : undefined),
      }),
    )
  },

  async cleanUp() {
    // Everything is in the work folder.
  },
}

async function migrate(work: ComponentWork): Promise<void> {
  const { run, backup } = hooksOf(work)
  const { id, migratesTo = '' } = work.step.component
  await backUp(work, backup)
  const facts = { HOTPATCH_KIT_MIGRATE_TO: migratesTo, ...filesFact(work) }
  await runHook(run, hookCall(work, { what: `The migration ${id}`, code: 'migration-failed', facts }))
}

/** Data for the program of the installation: the folder of a zip, or the one file. */
function filesFact({ step, artifactPath, workPath, ports: { disk } }: ComponentWork) {
  if (step.file === undefined || artifactPath === undefined) return {}
  const path = step.file.format === 'zip' ? `${workPath}/${UNPACKED}` : artifactPath
  return { HOTPATCH_KIT_FILE: disk.locate(path) }
}

function hooksOf({ step, place }: ComponentWork): MigrationHooks {
  const { id } = step.component
  if (!place.migration) fail('installation-invalid', id, noHooks(id))
  return place.migration
}

const noHooks = (id: string) => `kit.json does not say how ${id} migrates: add "migration" to it.`
