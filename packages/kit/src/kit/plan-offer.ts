import type { InstalledComponent, InstalledKit, KitManifest } from '@hotpatch/protocol'
import type { KitOffer } from '../offers/kit-offer.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { fileFor, planKit } from '../planning/plan.ts'
import { KIT_ADAPTERS } from './kit-adapters.ts'
import type { Planned } from './kit.ts'
import type { KitGround } from './kit-ground.ts'

/** Kits §7: what an apply would do, and what speaks against it. */
export async function planOffer(ground: KitGround, offer: KitOffer): Promise<Planned> {
  const plan = await planOf(ground, offer)
  return { offer, plan, objections: await objectionsTo(ground, plan) }
}

export async function planOf(
  ground: KitGround,
  { manifest, manifestText }: { manifest: KitManifest; manifestText: string },
): Promise<KitPlan> {
  const { installation, ports } = ground
  const installed = await ground.readInstalled()
  const inspected = await inspectAll(ground, manifest, installed)
  return planKit({ manifest, manifestText, installed, inspected, installation, machine: ports.machine })
}

/** What lies there, by the word of each adapter. */
async function inspectAll(
  { installation, ports }: KitGround,
  manifest: KitManifest,
  installed: InstalledKit | undefined,
) {
  const inspected: Record<string, InstalledComponent | undefined> = {}
  for (const component of manifest.components) {
    const place = installation.components[component.id]
    const adapter = KIT_ADAPTERS.get(component.kind)
    if (!place || !adapter) continue
    const step = {
      component,
      installed: installed?.components[component.id],
      file: fileFor(component, ports.machine),
    }
    inspected[component.id] = await adapter.inspect({ step, place, installation, ports })
  }
  return inspected
}

export async function objectionsTo({ installation, ports }: KitGround, { steps }: KitPlan): Promise<string[]> {
  const objections: string[] = []
  for (const step of steps) {
    const place = installation.components[step.component.id]
    const found =
      place && (await KIT_ADAPTERS.get(step.component.kind)?.objections({ step, place, installation, ports }))
    objections.push(...(found ?? []).map((objection) => `${step.component.id}: ${objection}`))
  }
  return objections
}
