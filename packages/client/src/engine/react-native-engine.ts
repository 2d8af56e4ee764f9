import { archiveInstaller } from '../archive/archive-installer.ts'
import type { Ports } from '../ground/ports.ts'
import type { EngineConfig } from '../ground/settings.ts'
import { treePatcher } from '../patch/patcher.ts'
import { reactNativeContract } from '../server/react-native-contract.ts'
import { createEngineFor, type Engine } from './engine.ts'

/**
 * The device engine for the React Native contract, whose updates are archives, and patches of them.
 *
 * @example
 * const engine = createEngine(ports, { serverUrl, appKey, appId, deviceId, channel: 'production', publicKeys })
 *
 * @throws RangeError when a public key is not the base64 of 32 bytes, or there are more than 20
 */
export function createEngine(ports: Ports, config: EngineConfig): Engine {
  return createEngineFor(ports, config, {
    contract: reactNativeContract,
    installers: [archiveInstaller],
    patcher: treePatcher,
  })
}
