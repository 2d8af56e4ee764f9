import { makeDurableDirectory } from '../../ground/durable-files.ts'
import { runHook } from '../../hooks/run-hook.ts'
import { restartAsBefore, restartService } from '../../hooks/services.ts'
import type { ComponentAdapter, ComponentWork } from '../component-adapter.ts'
import { asRevert, fail, inWordsOfKits } from '../ground/component-errors.ts'
import { hookCall, noPath, pathOf, serviceCall } from '../ground/component-facts.ts'
import { keepPlace, KEPT, placeFile, putFileBack, readKept } from '../ground/kept-place.ts'
import { nameOf } from '../ground/paths.ts'
import { hasBegunApplying, markApplying } from '../ground/work-folder.ts'
import { renderTemplate } from './render-template.ts'

const NEW_FOLDER = 'new'

/** Kits §3.3: settings that are made of a template, such as those of an edge proxy. */
export const templateAdapter: ComponentAdapter = {
  kind: 'template',

  async objections({ step, place, ports }) {
    const { id } = step.component
    if (place.path === '') return [noPath(id, 'template')]
    const stat = await ports.disk.stat(place.path)
    return stat?.kind === 'directory' ? [`At ${place.path} lies a folder; ${id} is a settings file.`] : []
  },

  /** What lies there was made of a template and variables, and says of neither what it was. */
  inspect: async () => undefined,

  prepare: (work) => inWordsOfKits(work.step.component.id, () => prepareSettings(work)),

  async apply(work) {
    await inWordsOfKits(work.step.component.id, async () => {
      await markApplying(work)
      await exchangeSettings(work)
      await takeSettings(work)
    })
  },

  async revert(work) {
    const kept = await readKept(work)
    if (!kept || !(await hasBegunApplying(work))) return
    await asRevert(work.step.component.id, async () => {
      const exchange = () => putFileBack(work, kept, work.place.path)
      const wasThere = kept.kind !== 'absent'
      if (!work.place.reload) {
        await restartAsBefore(work.place.service, serviceCall(work), { wasThere, exchange })
        return
      }
      await exchange()
      if (wasThere) await takeSettings(work)
    })
  },

  async cleanUp() {
    // Everything is in the work folder.
  },
}

/** Under its own name, so that checks of a server that go by names know it. */
const candidateOf = ({ place }: ComponentWork) => `${NEW_FOLDER}/${nameOf(place.path)}`

async function prepareSettings(work: ComponentWork): Promise<void> {
  const path = pathOf(work)
  const { id } = work.step.component
  const kept = await keepPlace(work, path)
  if (kept.kind === 'folder' || kept.kind === 'link') {
    fail('installation-invalid', id, `Expected a settings file at ${path}, or nothing; found a ${kept.kind}.`)
  }
  await writeCandidate(work)
  const { validate } = work.place
  if (!validate) return
  const facts = { HOTPATCH_KIT_FILE: work.ports.disk.locate(`${work.workPath}/${candidateOf(work)}`) }
  await runHook(
    validate,
    hookCall(work, { what: `The check of the settings of ${id}`, code: 'template-invalid', facts }),
  )
}

async function writeCandidate(work: ComponentWork): Promise<void> {
  const { workPath, ports } = work
  const candidate = `${workPath}/${candidateOf(work)}`
  const rendered = await renderTemplate(work)
  await makeDurableDirectory(ports.disk, `${workPath}/${NEW_FOLDER}`)
  await ports.disk.write(candidate, rendered)
  const rights = await ports.disk.rights(`${workPath}/${KEPT}`)
  if (rights) await ports.disk.setRights(candidate, rights)
  await ports.disk.syncDirectory(`${workPath}/${NEW_FOLDER}`)
}

async function exchangeSettings(work: ComponentWork): Promise<void> {
  const path = pathOf(work)
  // A second try may find that it has gone to its place, or that it got lost on the way.
  if ((await work.ports.disk.stat(`${work.workPath}/${candidateOf(work)}`)) === undefined) await writeCandidate(work)
  await placeFile(work, candidateOf(work), path)
}

async function takeSettings(work: ComponentWork): Promise<void> {
  const { reload, service } = work.place
  const { id } = work.step.component
  if (!reload) return restartService(service, serviceCall(work))
  await runHook(reload, hookCall(work, { what: `The reload of ${id}`, code: 'service-failed' }))
}
