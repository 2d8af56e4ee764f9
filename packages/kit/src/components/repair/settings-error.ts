/** Why settings cannot be changed as a release wants it; its message goes on after "because". */
export class SettingsError extends Error {
  override name = 'SettingsError'
}
