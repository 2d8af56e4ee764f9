import { OTA } from '@hotpatch/react-native'

/** The address and the key are in the binary: AndroidManifest.xml, Info.plist. */
export function configureUpdates(): void {
  OTA.configure({
    // Of the app on the server, both: hotpatch apps show react-native-example
    appId: '0198c5f0-0000-7000-8000-000000000001',
    appKey: 'hpk_26Xb4uBMRxsCOBswSOovE5G1',
    checkOnLaunch: true,
  })
}
