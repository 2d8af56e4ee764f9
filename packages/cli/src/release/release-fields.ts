import type { ReleaseContent } from '@hotpatch/api'

/** A release as one list of names and values, for a person: what its content is, and then the fields of that kind. */
export function releaseFields<Described extends { content: ReleaseContent }>({ content, ...release }: Described) {
  const { kind, ...ofKind } = content
  return { ...release, content: kind, ...ofKind }
}
