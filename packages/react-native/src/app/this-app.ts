import { AppRegistry, NativeEventEmitter } from 'react-native'
import module from '../NativeHotPatch.ts'
import { connectNative } from '../native/native-module.ts'
import type { OtaHost } from '../ota/ota.ts'
import { tellWhenRendered } from '../react/tell-when-rendered.ts'
import { onFatalError, type ErrorUtilsOfApp } from './count-fatal-errors.ts'

interface GlobalsOfApp {
  __DEV__?: boolean
  ErrorUtils?: ErrorUtilsOfApp
  console?: { warn(message: string): void }
}

/** What React Native has. Nothing happens before `OTA.configure`. */
export function thisApp(): OtaHost {
  const globals = globalThis as GlobalsOfApp
  return {
    native: module ? connectNative(module, new NativeEventEmitter(module)) : null,
    isDevelopment: globals.__DEV__ === true,
    onFirstRender: (callback) => {
      const Wrapper = tellWhenRendered(callback)
      AppRegistry.setWrapperComponentProvider(() => Wrapper)
    },
    onFatalError: (callback) => onFatalError(globals.ErrorUtils, callback),
    warn: (message) => globals.console?.warn(message),
  }
}
