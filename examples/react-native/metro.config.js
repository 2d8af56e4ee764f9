const { realpathSync } = require('node:fs')
const { join } = require('node:path')

const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config')

// The real path, because copies of this app may share one node_modules through a link.
const nodeModules = realpathSync(join(__dirname, 'node_modules'))

module.exports = mergeConfig(getDefaultConfig(__dirname), {
  watchFolders: [nodeModules],
  // The default is a folder in the system's temporary folder, shared by all projects.
  cacheStores: ({ FileStore }) => [new FileStore({ root: join(nodeModules, '.cache', 'metro') })],
  // Watchman would start a daemon and keep a record of this folder.
  resolver: { useWatchman: false },
})
