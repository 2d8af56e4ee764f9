/** The multipart form of a publish. `metadata` is sent as it is when it is text. */
export function publishForm(
  metadata: unknown,
  bundle: Uint8Array,
  signatures: Readonly<Record<string, string>> = {},
): FormData {
  const form = new FormData()
  form.set('metadata', typeof metadata === 'string' ? metadata : JSON.stringify(metadata))
  for (const [name, value] of Object.entries(signatures)) form.set(name, value)
  form.set('bundle', new Blob([new Uint8Array(bundle)], { type: 'application/zip' }), 'bundle.zip')
  return form
}
