/** What stops a prebuild: what was expected, what was found, what to do. */
export class PluginError extends Error {
  override name = 'HotPatchPluginError'

  constructor(message: string) {
    super(`@hotpatch/react-native: ${message}`)
  }
}
