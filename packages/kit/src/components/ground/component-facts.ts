import type { HookCall, HookFacts } from '../../hooks/run-hook.ts'
import type { ServiceCall } from '../../hooks/services.ts'
import type { ComponentWork } from '../component-adapter.ts'
import { fail } from './component-errors.ts'

type Looked = Pick<ComponentWork, 'step' | 'place' | 'installation' | 'ports'>

/** Kits §3.9: what every hook of a component is told. */
export function factsOf({ step, place, ports }: Looked): HookFacts {
  return {
    HOTPATCH_KIT_ROOT: ports.disk.locate(''),
    HOTPATCH_KIT_COMPONENT: step.component.id,
    HOTPATCH_KIT_VERSION: step.component.version,
    ...(place.path !== '' && { HOTPATCH_KIT_PLACE: ports.disk.locate(place.path) }),
  }
}

export function serviceCall(work: Looked): ServiceCall {
  return { hooks: work.ports.hooks, facts: factsOf(work), component: work.step.component.id }
}

export function hookCall(work: Looked, call: Pick<HookCall, 'what' | 'code'> & { facts?: HookFacts }): HookCall {
  const { hooks, facts, component } = serviceCall(work)
  return { hooks, component, ...call, facts: { ...facts, ...call.facts } }
}

/** Where the component lies. @throws KitError installation-invalid when kit.json does not say it */
export function pathOf({ step, place }: Pick<ComponentWork, 'step' | 'place'>): string {
  const { id, kind } = step.component
  if (place.path === '') fail('installation-invalid', id, noPath(id, kind))
  return place.path
}

export function noPath(id: string, kind: string): string {
  return `kit.json does not say where ${id} lies: add "path" to it, as the release has it as ${kind}.`
}
