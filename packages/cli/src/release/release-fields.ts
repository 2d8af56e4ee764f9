import type { ReleaseContent } from '@hotpatch/api'
import { formatList } from '../output/text.ts'

/** A release as one list of names and values, for a person: what its content is, and then the fields of that kind. */
export function releaseFields<Described extends { content: ReleaseContent }>({ content, ...release }: Described) {
  return { ...release, ...fieldsOf(content) }
}

function fieldsOf(content: ReleaseContent) {
  if (content.kind === 'archive' || content.kind === 'files') {
    const { kind, ...ofBytes } = content
    return { content: kind, ...ofBytes }
  }
  const { kind, files } = content
  return {
    content: kind,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    files: formatList(files.map(({ name }) => name)),
  }
}
