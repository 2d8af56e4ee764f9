/** For tests of apps: the native half of the plugin, without a phone. Runs in Node and in browsers. */
export {
  createPluginDisk,
  createPluginStandIn,
  DEFAULT_CONFIG,
  type PluginDisk,
  type StandInConfig,
} from './plugin-stand-in.ts'
