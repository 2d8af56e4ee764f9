/** As people type or paste them: one on each line, or with commas between. */
export function readDeviceIds(text: string): string[] {
  return [...new Set(text.split(/[\n,;]/).map((id) => id.trim()))].filter((id) => id !== '')
}
