import { expectWell, probeComponent, probeKit, type ProbePorts } from '../probes/probe.ts'
import type { ProbeResult } from '../probes/probe.ts'
import type { Installation } from '../installation/installation.ts'
import type { KitProbing } from './apply-context.ts'

/** What was there before is asked whether it runs, no more: what it answers, its own release would have to say. */
const OF_SERVICE_BEFORE = { type: 'service', attempts: 5, intervalMs: 1_000, timeoutMs: 5_000 } as const

/** The probes that a release and the installation name. */
export function createKitProbing(installation: Installation, ports: ProbePorts): KitProbing {
  function resultOf(result: ProbeResult, component?: string): 'well' | 'unasked' {
    expectWell(result, component)
    return result.kind === 'well' ? 'well' : 'unasked'
  }

  return {
    async component({ component }, stopped) {
      const result = await probeComponent(component, installation, { ports, ...(stopped && { stopped }) })
      return resultOf(result, component.id)
    },
    async kit(manifest, stopped) {
      return resultOf(await probeKit(manifest, installation, { ports, ...(stopped && { stopped }) }))
    },
    async before({ component: { id, version }, installed }) {
      if (!installation.components[id]?.service?.isRunning) return 'unasked'
      const asked = { id, version: installed?.version ?? version, probe: OF_SERVICE_BEFORE }
      return resultOf(await probeComponent(asked, installation, { ports }), id)
    },
  }
}
