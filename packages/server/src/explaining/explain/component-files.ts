import { lackingComponent, type CatalogComponent, type TakenComponents } from '@hotpatch/protocol'

interface RefusedKit {
  components: readonly CatalogComponent[]
}

/** D11: which component lacks which file. */
export function describeComponents({ components }: RefusedKit, takes: TakenComponents): string {
  const lacking = lackingComponent(components, takes)
  if (!lacking) return 'has a file of each of its components for this machine.'
  const { id, architectures } = lacking
  const whole = 'it is applied as a whole or not at all.'
  if (architectures.length === 0) return `has no file of its component ${id} for this platform, and ${whole}`
  return `has no file of its component ${id} for ${machineOf(takes)}, only for ${architectures.join(', ')}, and ${whole}`
}

/** What would make it one that the machine takes. */
export function mendComponents({ components }: RefusedKit, takes: TakenComponents, platform: string): string {
  const { id = 'COMPONENT' } = lackingComponent(components, takes) ?? {}
  const machine = takes.architectures ? `${platform} and ${machineOf(takes)}` : platform
  return `Publish it under a new release id with a file of ${id} for ${machine}, or with that component as "optional": hotpatch kit publish.`
}

/** The first is the name that manifests have for it. */
function machineOf({ architectures }: TakenComponents): string {
  return architectures?.[0] ?? 'this machine'
}
