// With its ending: Expo names no entries, and what is an ES module is looked for by its file.
import plugins, { type ConfigPlugin } from 'expo/config-plugins.js'
import { editAppDelegate } from './edit-app-delegate.ts'
import { editMainApplication } from './edit-main-application.ts'
import { excludeResources } from './exclude-resources.ts'
import { readPluginOptions, type PluginOptions } from './native-configuration.ts'
import { PluginError } from './plugin-error.ts'
import { writeInfoPlist, writeManifest, writeStrings } from './write-native-configuration.ts'

const {
  withAndroidManifest,
  withAppDelegate,
  withGradleProperties,
  withInfoPlist,
  withMainApplication,
  withStringsXml,
} = plugins

/** `expo prebuild` writes what an app's binary has to say and to ask. */
const withHotPatch: ConfigPlugin<PluginOptions | void> = (config, options) => {
  if (config.updates?.url && config.updates.enabled !== false) {
    throw new PluginError(
      'the app config has updates.url, so expo-updates chooses the bundle, too. Remove "updates", and expo-updates.',
    )
  }
  const said = readPluginOptions(options ?? {}, new Date())
  let changed = withMainApplication(config, (mod) => {
    mod.modResults.contents = editMainApplication(mod.modResults)
    return mod
  })
  changed = withAndroidManifest(changed, (mod) => ({ ...mod, modResults: writeManifest(mod.modResults, said) }))
  changed = withStringsXml(changed, (mod) => ({ ...mod, modResults: writeStrings(mod.modResults, said) }))
  changed = withGradleProperties(changed, (mod) => ({ ...mod, modResults: excludeResources(mod.modResults) }))
  changed = withAppDelegate(changed, (mod) => {
    mod.modResults.contents = editAppDelegate(mod.modResults)
    return mod
  })
  return withInfoPlist(changed, (mod) => ({ ...mod, modResults: writeInfoPlist(mod.modResults, said) }))
}

export default withHotPatch
