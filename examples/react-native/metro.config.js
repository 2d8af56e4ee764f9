const { existsSync, realpathSync } = require('node:fs')
const { dirname, join } = require('node:path')

const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config')

// The real path, because copies of this app may share one node_modules through a link.
const nodeModules = realpathSync(join(__dirname, 'node_modules'))
// In this repository the SDK is its source. An app that has installed it needs none of the lines about it.
const sdk = join(nodeModules, '../../../packages/react-native')
const isSource = existsSync(sdk)

module.exports = mergeConfig(getDefaultConfig(__dirname), {
  watchFolders: isSource ? [nodeModules, sdk] : [nodeModules],
  // The default is a folder in the system's temporary folder, shared by all projects.
  cacheStores: ({ FileStore }) => [new FileStore({ root: join(nodeModules, '.cache', 'metro') })],
  resolver: {
    // Watchman would start a daemon and keep a record of this folder.
    useWatchman: false,
    ...(isSource && { resolveRequest }),
  },
})

function resolveRequest(context, name, platform) {
  if (name === '@hotpatch/react-native') return { type: 'sourceFile', filePath: join(sdk, 'src/index.ts') }
  // The SDK's React and React Native are this app's.
  const isOfSdk = context.originModulePath.startsWith(sdk) && !name.startsWith('.')
  const origin = isOfSdk ? { ...context, originModulePath: join(dirname(nodeModules), 'index.js') } : context
  return origin.resolveRequest(origin, name, platform)
}
