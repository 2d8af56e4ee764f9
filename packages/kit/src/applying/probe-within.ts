import { TookTooLongError, within, type Stopped } from '@hotpatch/device-ground'
import type { KitManifest, KitProbe } from '@hotpatch/protocol'
import { KitError } from '../ground/kit-error.ts'
import type { ProbePlace } from '../installation/installation.ts'
import type { KitStep } from '../planning/kit-plan.ts'
import type { ApplyContext, ApplyLimits } from './apply-context.ts'

type Context = Pick<ApplyContext, 'installation' | 'ports' | 'probing'> & { limits: ApplyLimits }

/** Of an operator's own hook, where the release says nothing. */
const ATTEMPTS_OF_HOOK = 3

/** @throws KitError probe-failed also when it never comes to an end */
export function probeWithin(context: Context, step: KitStep, stopped?: Stopped): Promise<'well' | 'unasked'> {
  const { id, probe } = step.component
  const ms = boundOf(probe, context.installation.components[id]?.probe, context.limits)
  return bounded(context, { ms, what: id, component: id }, context.probing.component(step, stopped))
}

/** @throws KitError probe-failed */
export function probeKitWithin(
  context: Context,
  manifest: KitManifest,
  stopped?: Stopped,
): Promise<'well' | 'unasked'> {
  const ms = boundOf(manifest.probe, context.installation.probe, context.limits)
  return bounded(context, { ms, what: 'the whole kit' }, context.probing.kit(manifest, stopped))
}

function boundOf(probe: KitProbe | undefined, place: ProbePlace | undefined, { probeGraceMs }: ApplyLimits): number {
  const ofRelease = probe ? probe.attempts * (probe.timeoutMs + probe.intervalMs) : 0
  const ofPlace = place?.hook ? ATTEMPTS_OF_HOOK * (place.hook.timeoutMs + 1_000) : 0
  return Math.max(ofRelease, ofPlace) + probeGraceMs
}

async function bounded<T>(
  { ports }: Context,
  { ms, what, component }: { ms: number; what: string; component?: string },
  work: Promise<T>,
): Promise<T> {
  try {
    return await within(ports.clock, { ms, what: `the probe of ${what}` }, work)
  } catch (error) {
    if (!(error instanceof TookTooLongError)) throw error
    throw new KitError('probe-failed', error.message, { ...(component !== undefined && { component }), cause: error })
  }
}
