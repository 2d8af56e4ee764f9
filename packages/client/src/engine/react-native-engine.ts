import { archiveInstaller } from '../archive/archive-installer.ts'
import { fileDecrypter } from '../decrypt/decrypter.ts'
import { staticEdge } from '../edge/update-source.ts'
import type { Ports } from '../ground/ports.ts'
import type { EngineConfig } from '../ground/settings.ts'
import { treePatcher } from '../patch/patcher.ts'
import { reactNativeContract } from '../server/react-native-contract.ts'
import { createEngineFor, type Engine } from './engine.ts'

/**
 * The device engine for the React Native contract, whose updates are archives, as they are or encrypted, and patches of
 * them.
 *
 * @example
 * const engine = createEngine(ports, { serverUrl, appKey, appId, deviceId, channel: 'production', publicKeys })
 *
 * @throws RangeError when a key is not the base64 of 32 bytes, or there are more than 20, or 8 to decrypt by
 */
export function createEngine(ports: Ports, config: EngineConfig): Engine {
  return createEngineFor(ports, config, {
    contract: reactNativeContract,
    installers: [archiveInstaller],
    patcher: treePatcher,
    decrypter: fileDecrypter,
    edge: staticEdge,
  })
}
