import type { OfferedContent } from '../shipping/content/kinds.ts'
import type { OfferedRelease } from './catalog-queries.ts'

export type OfferedOf<Kind extends OfferedContent['kind']> = Extract<OfferedContent, { kind: Kind }>

/** What is offered by a dialect that takes this kind alone: the desk lets no other through to its rendering. */
export function contentOf<Kind extends OfferedContent['kind']>(
  { id, content }: Pick<OfferedRelease, 'id' | 'content'>,
  kind: Kind,
): OfferedOf<Kind> {
  if (content.kind === kind) return content as OfferedOf<Kind>
  throw new Error(`Expected content of the kind ${kind}, found ${content.kind} in the release ${id}.`)
}
