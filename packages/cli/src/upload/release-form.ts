import type { NewRelease, ReleaseSignatures } from '@hotpatch/api'

/** A publish whose bytes were uploaded before: `metadata.sha256` says which. */
export function createReleaseForm(metadata: NewRelease, signatures: ReleaseSignatures | undefined): FormData {
  const form = new FormData()
  form.set('metadata', JSON.stringify(metadata))
  for (const [name, value] of Object.entries(signatures ?? {})) form.set(name, value as string)
  return form
}
