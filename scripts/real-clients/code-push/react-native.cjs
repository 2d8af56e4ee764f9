/** What the JavaScript of CodePush's plugin asks of React Native. Its native half is put in by whoever starts the app. */
module.exports = {
  NativeModules: {
    get CodePush() {
      return globalThis.codePushNative
    },
  },
  NativeEventEmitter: class {
    addListener() {
      return { remove() {} }
    }
  },
  AppState: { addEventListener: () => ({ remove() {} }) },
  Platform: { OS: 'android' },
  Alert: { alert() {} },
}
