import type { InstalledComponent, InstalledKit, KitManifest } from '@hotpatch/protocol'
import type { KitStep } from '../planning/kit-plan.ts'
import type { StoredPlan } from './stored-plan.ts'

type NewInstalledKit = Omit<InstalledKit, 'document'> & Partial<Pick<InstalledKit, 'document'>>

/**
 * Kits §4: what is installed once a plan is committed, in the words of its manifest. Of components that did not change, and
 * of those whose turn has not come or that failed, what was installed before.
 */
export function installedAfter(
  { plan, before }: StoredPlan,
  applied: ReadonlyMap<string, Pick<InstalledComponent, 'stagedAt'>>,
): NewInstalledKit {
  const { manifest, steps, left } = plan
  const components = manifest.components.flatMap((component): [string, InstalledComponent][] => {
    const { id, version } = component
    const step = steps.find((each) => each.component.id === id)
    const found = before?.components[id] ?? step?.installed
    const done = applied.get(id)
    if (step && done) return [[id, afterStep(step, done)]]
    if (step) return found ? [[id, found]] : []
    if (left.some((each) => each.id === id && each.because === 'not-installed')) return []
    const [only] = component.files
    return [
      [
        id,
        found
          ? { ...found, version }
          : { version, ...(component.files.length === 1 && only && { sha256: only.sha256 }) },
      ],
    ]
  })
  // What others have written beside it stays.
  return {
    ...headOf(manifest),
    components: Object.fromEntries(components),
    ...(before && { document: before.document }),
  }
}

function afterStep(
  { component, file }: KitStep,
  { stagedAt }: Pick<InstalledComponent, 'stagedAt'>,
): InstalledComponent {
  return {
    version: component.version,
    ...(file && { sha256: file.sha256 }),
    ...(stagedAt !== undefined && { stagedAt }),
  }
}

function headOf({ releaseId, channel, sequence, minInstallerVersion }: KitManifest) {
  return { releaseId, channel, sequence, ...(minInstallerVersion !== undefined && { minInstallerVersion }) }
}
