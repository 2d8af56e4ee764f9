import type { KitContent, KitContentComponent, ReleaseContent } from '@hotpatch/api'
import { formatBytes, formatList } from '../output/text.ts'

/** A release as one list of names and values, for a person: what its content is, and then the fields of that kind. */
export function releaseFields<Described extends { content: ReleaseContent }>({ content, ...release }: Described) {
  return { ...release, ...fieldsOf(content) }
}

function fieldsOf(content: ReleaseContent) {
  if (content.kind === 'archive' || content.kind === 'files') {
    const { kind, ...ofBytes } = content
    return { content: kind, ...ofBytes }
  }
  if (content.kind === 'kit') return fieldsOfKit(content)
  const { kind, files } = content
  return {
    content: kind,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    files: formatList(files.map(({ name }) => name)),
  }
}

/** One line for each component, in the order in which they are applied. */
function fieldsOfKit({ kind, components, probe, channel, ...content }: KitContent) {
  return {
    content: kind,
    ...content,
    'made for': channel,
    ...(probe && { probe: `${probe.type}${probe.path ?? ''}` }),
    ...Object.fromEntries(components.map((component) => [`component ${component.id}`, describeComponent(component)])),
  }
}

function describeComponent(component: KitContentComponent): string {
  const { kind, version, order, files, probe, supportsRollback, isOptional, migratesTo, repairs = [] } = component
  const machines = files.map(
    ({ platform, architecture, sizeBytes }) => `${platform} ${architecture} ${formatBytes(sizeBytes)}`,
  )
  return [
    `${kind} ${version}`,
    `order ${order}`,
    ...machines,
    ...(migratesTo === undefined ? [] : [`migrates to ${migratesTo}`]),
    ...repairs.map(({ target, keys }) => `sets ${keys.join(', ')} of ${target}`),
    ...(probe ? [`probe ${probe.type}${probe.path === undefined ? '' : ` ${probe.path}`}`] : []),
    ...(isOptional ? ['optional'] : []),
    ...(supportsRollback ? [] : ['cannot be rolled back']),
  ].join('; ')
}
