import type { Dialect } from '../updates/dialect.ts'
import { appVersions } from './app-versions/app-versions.ts'
import { assetUpdates } from './asset-updates/asset-updates.ts'
import { appcast } from './appcast/appcast.ts'
import { capawesome } from './capawesome/capawesome.ts'
import { capgo } from './capgo/capgo.ts'
import { codePush } from './code-push/code-push.ts'
import { electron } from './electron/electron.ts'
import { expo } from './expo/expo.ts'
import { hotPatchEvents } from './hotpatch/hotpatch.ts'
import { hotUpdater } from './hot-updater/hot-updater.ts'
import { kit } from './kit/kit.ts'
import { reactNative } from './react-native/react-native.ts'
import { tauri } from './tauri/tauri.ts'
import { webBundle } from './web-bundle/web-bundle.ts'

/** Every client protocol that the server speaks. */
export const DIALECTS: readonly Dialect[] = [
  reactNative(),
  hotPatchEvents(),
  webBundle(),
  capgo(),
  capawesome(),
  codePush(),
  appVersions(),
  assetUpdates(),
  appcast(),
  electron(),
  tauri(),
  expo(),
  hotUpdater(),
  kit(),
]
