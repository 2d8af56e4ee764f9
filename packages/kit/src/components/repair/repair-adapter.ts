import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import { runHook } from '../../hooks/run-hook.ts'
import { restartService } from '../../hooks/services.ts'
import type { RepairTarget } from '../../installation/installation.ts'
import type { ComponentAdapter, ComponentWork } from '../component-adapter.ts'
import { asRevert, fail, inWordsOfKits } from '../ground/component-errors.ts'
import { factsOf, hookCall, serviceCall } from '../ground/component-facts.ts'
import { fillIn, namesIn, valuesOf } from '../ground/fill-in.ts'
import { keepPlace, placeFile, putFileBack, readKept } from '../ground/kept-place.ts'
import { hasBegunApplying, markApplying, writeWork } from '../ground/work-folder.ts'
import { editEnv } from './edit-env.ts'
import { editJson } from './edit-json.ts'
import { SettingsError } from './settings-error.ts'

const MAX_SETTINGS_BYTES = 1024 * 1024
const keptOf = (target: string) => `kept-${target}`
const newOf = (target: string) => `new-${target}`

/** Kits §3.7: values of settings files, such as base URLs, of which the installation says which may be set. */
export const repairAdapter: ComponentAdapter = {
  kind: 'repair',

  async objections({ step, installation }) {
    return repairsOf({ step }).flatMap(({ target, set }) => {
      const { keys = [] } = ownTarget(installation.repairTargets, target) ?? {}
      return Object.keys(set)
        .filter((key) => !keys.includes(key))
        .map((key) => `kit.json does not let releases set ${key} of ${target} (repairTargets).`)
    })
  },

  /** Others write there, too. */
  inspect: async () => undefined,

  prepare: (work) =>
    inWordsOfKits(work.step.component.id, async () => {
      for (const [name, settings] of settingsOf(work)) await prepareTarget(work, name, settings)
    }),

  async apply(work) {
    await inWordsOfKits(work.step.component.id, async () => {
      const changed = await changedTargets(work)
      if (changed.length === 0) return
      await markApplying(work)
      for (const { name, path } of changed) {
        const copy = `${newOf(name)}.placed`
        await work.ports.disk.copyFile(`${work.workPath}/${newOf(name)}`, `${work.workPath}/${copy}`)
        await placeFile(work, copy, path)
      }
      await takeSettings(work)
    })
  },

  async revert(work) {
    if (!(await hasBegunApplying(work))) return
    await asRevert(work.step.component.id, async () => {
      for (const { name, path } of (await changedTargets(work)).toReversed()) {
        const kept = await readKept(work, keptOf(name))
        if (kept) await putFileBack(work, kept, path, keptOf(name))
      }
      await takeSettings(work)
    })
  },

  async cleanUp() {
    // Everything is in the work folder.
  },
}

const repairsOf = ({ step }: Pick<ComponentWork, 'step'>) => step.component.repairs ?? []

function ownTarget(targets: Readonly<Record<string, RepairTarget>>, name: string): RepairTarget | undefined {
  return Object.hasOwn(targets, name) ? targets[name] : undefined
}

/** What each target is to have, after all of it was looked at. @throws KitError repair-refused */
function settingsOf(work: ComponentWork): Map<string, Record<string, string>> {
  const { id } = work.step.component
  const values = valuesOf(work.installation, factsOf(work))
  const settings = new Map<string, Record<string, string>>()
  for (const { target, set } of repairsOf(work)) {
    const allowed = ownTarget(work.installation.repairTargets, target)
    if (!allowed)
      fail('repair-refused', id, `The release repairs ${target}, which kit.json does not name (repairTargets).`)
    const of = settings.get(target) ?? {}
    settings.set(target, of)
    for (const [key, text] of Object.entries(set)) {
      if (!allowed.keys.includes(key)) {
        fail('repair-refused', id, `kit.json does not let releases set ${key} of ${target} (repairTargets).`)
      }
      const missing = namesIn(text).filter((name) => !values.has(name))
      if (missing.length > 0) {
        fail(
          'repair-refused',
          id,
          `${key} of ${target} needs ${missing.join(', ')}: add it to "variables" in kit.json.`,
        )
      }
      of[key] = fillIn(text, values)
    }
  }
  return settings
}

async function prepareTarget(work: ComponentWork, name: string, settings: Record<string, string>): Promise<void> {
  const { disk } = work.ports
  const { id } = work.step.component
  const target = ownTarget(work.installation.repairTargets, name)
  if (!target) return
  const kept = await keepPlace(work, target.path, keptOf(name))
  if (kept.kind === 'folder' || kept.kind === 'link') {
    fail('repair-refused', id, `Expected a settings file at ${target.path}, or nothing; found a ${kept.kind}.`)
  }
  const keptPath = `${work.workPath}/${keptOf(name)}`
  const before = kept.kind === 'absent' ? '' : await readSettings(work, keptPath)
  const edited = edit(id, target, before, settings)
  if (edited === before) return
  await writeWork(work, newOf(name), utf8FromText(edited))
  const rights = await disk.rights(keptPath)
  // They may hold secrets.
  await disk.setRights(`${work.workPath}/${newOf(name)}`, rights ?? { mode: 0o600 })
}

async function readSettings(work: ComponentWork, path: string): Promise<string> {
  const { disk } = work.ports
  const { id } = work.step.component
  const { sizeBytes = 0 } = (await disk.stat(path)) ?? {}
  if (sizeBytes > MAX_SETTINGS_BYTES) {
    fail('repair-refused', id, `Expected settings of at most ${MAX_SETTINGS_BYTES} bytes, found ${sizeBytes}.`)
  }
  const text = textFromUtf8((await disk.read(path)) ?? new Uint8Array())
  if (text === undefined) fail('repair-refused', id, 'Expected settings in UTF-8, found other bytes.')
  return text
}

function edit(id: string, { path, format }: RepairTarget, text: string, settings: Record<string, string>): string {
  try {
    return format === 'env' ? editEnv(text, settings) : editJson(text, settings)
  } catch (cause) {
    if (!(cause instanceof SettingsError)) throw cause
    fail('repair-refused', id, `${path} was left as it is, because ${cause.message}.`)
  }
}

/** Those of which something new was made. */
async function changedTargets({ installation, workPath, ports, step }: ComponentWork) {
  const names = [...new Set(repairsOf({ step }).map(({ target }) => target))]
  const found: { name: string; path: string }[] = []
  for (const name of names) {
    const target = ownTarget(installation.repairTargets, name)
    if (target && (await ports.disk.stat(`${workPath}/${newOf(name)}`))) found.push({ name, path: target.path })
  }
  return found
}

async function takeSettings(work: ComponentWork): Promise<void> {
  const { reload, service } = work.place
  const { id } = work.step.component
  if (!reload) return restartService(service, serviceCall(work))
  await runHook(reload, hookCall(work, { what: `The reload after ${id}`, code: 'service-failed' }))
}
