import { SERVER } from '../fake-server.ts'
import { APP_ID } from '../publisher.ts'
import type { ScenarioDevice } from './scenario.ts'

/** As most scenarios have it. */
export function scenarioDevice(publicKeys: readonly string[], more: Partial<ScenarioDevice> = {}): ScenarioDevice {
  return {
    config: {
      serverUrl: SERVER,
      appKey: 'key',
      appId: APP_ID,
      deviceId: 'device-1',
      channel: 'production',
      publicKeys,
    },
    host: { nativeVersion: '1.0', platform: 'android' },
    ...more,
  }
}
