/** What hot-updater's servers say for what the binary shipped with, and its clients for a build without an id. */
export const NO_BUILD = '00000000-0000-0000-0000-000000000000'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Hot-updater §4: in lower case, so that the order of the texts is that of the times. */
export function isBuildId(text: string): boolean {
  return UUID.test(text)
}
