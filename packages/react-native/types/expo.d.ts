// What is used of Expo's config plugins, as they declare it: apps bring the real ones, and a test runs them.
declare module 'expo/config-plugins.js' {
  export interface ExpoConfig {
    updates?: { url?: string; enabled?: boolean }
  }
  export type ConfigPlugin<Props> = (config: ExpoConfig, props: Props) => ExpoConfig

  interface Mod<Results> {
    modResults: Results
  }
  type Change<Results> = (config: Mod<Results>) => Mod<Results>

  interface SourceFile {
    path: string
    language: string
    contents: string
  }
  export interface AndroidManifest {
    manifest: {
      application?: { $: Record<string, string>; 'meta-data'?: { $: Record<string, string> }[] }[]
    }
  }
  export interface StringsXml {
    resources: { string?: { $: Record<string, string>; _?: string }[] }
  }

  export type GradleProperty =
    | { type: 'comment'; value: string }
    | { type: 'empty' }
    | { type: 'property'; key: string; value: string }

  const plugins: {
    withMainApplication(config: ExpoConfig, change: Change<SourceFile>): ExpoConfig
    withAppDelegate(config: ExpoConfig, change: Change<SourceFile>): ExpoConfig
    withAndroidManifest(config: ExpoConfig, change: Change<AndroidManifest>): ExpoConfig
    withStringsXml(config: ExpoConfig, change: Change<StringsXml>): ExpoConfig
    withGradleProperties(config: ExpoConfig, change: Change<GradleProperty[]>): ExpoConfig
    withInfoPlist(config: ExpoConfig, change: Change<Record<string, unknown>>): ExpoConfig
  }
  export default plugins
}
