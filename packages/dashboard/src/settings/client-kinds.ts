import type { App } from '@hotpatch/api'

/** What a snippet is made with: the app's own values, so that it can be taken as it is. */
export interface ClientValues {
  app: App
  serverUrl: string
  channel: string
  /** Of Ed25519, raw, in base64. */
  publicKeys: readonly string[]
}

export interface Snippet {
  /** Its text is `clients.kind.<id>.<text>` of the namespace `settings`. */
  text: string
  code: string
}

/** A client that apps have, and what has to be said to it. */
export interface ClientKind {
  id: string
  /** Its name, as it calls itself. */
  name: string
  platforms: readonly string[]
  /** It sends no key: the app must be open to be asked about. */
  needsOpenAccess?: boolean
  snippets: (values: ClientValues) => Snippet[]
  /** How the first release is published. */
  publish: (values: ClientValues) => string
}

const PHONES = ['android', 'ios'] as const
const DESKS = ['windows', 'macos', 'linux'] as const
const SCREENS = [...PHONES, 'web', ...DESKS] as const

const baseOf = ({ serverUrl, app }: ClientValues) => `${serverUrl}/apps/${app.slug}`
const keysOf = ({ publicKeys }: ClientValues) => (publicKeys.length > 0 ? publicKeys.join(',') : 'FIRST,SPARE')
/** The first of the app's own that the client is for. */
const platformOf = ({ app }: ClientValues, ofClient: readonly string[]) =>
  app.platforms.find((platform) => ofClient.includes(platform)) ?? ofClient[0]
const release = ({ app }: ClientValues) => `npx hotpatch release --app ${app.slug} --platform android --version 1.0.1`
const publishBuild = (folder: string) => (values: ClientValues) =>
  `npx hotpatch publish ${folder} --app ${values.app.slug}`

const publishWebBundle = ({ app }: ClientValues) => {
  const own = app.platforms.filter((platform) => platform === 'web' || platform === 'android' || platform === 'ios')
  const platforms = own.length > 0 ? own : PHONES
  return `npm run build\nnpx hotpatch publish --app ${app.slug} --platform ${platforms.join()} --version 1.0.1`
}

const reactNative: ClientKind = {
  id: 'reactNative',
  name: 'React Native',
  platforms: PHONES,
  snippets: (values) => [
    { text: 'install', code: 'npm install @hotpatch/react-native\n(cd ios && pod install)' },
    {
      text: 'configure',
      code: `import { OTA } from '@hotpatch/react-native'

OTA.configure({
  apiUrl: '${values.serverUrl}',
  appId: '${values.app.id}',
  appKey: '${values.app.appKey}',
  channel: '${values.channel}',
  checkOnLaunch: true,
})`,
    },
    {
      text: 'android',
      code: `<meta-data android:name="dev.hotpatch.apiUrl" android:value="${values.serverUrl}" />
<meta-data android:name="dev.hotpatch.publicKeys" android:value="${keysOf(values)}" />`,
    },
  ],
  publish: release,
}

const capacitor: ClientKind = {
  id: 'capacitor',
  name: 'Capacitor',
  platforms: [...PHONES, 'web'],
  snippets: (values) => [
    {
      text: 'install',
      code: 'npm install @hotpatch/capacitor @capgo/capacitor-updater @capacitor/app @capacitor/preferences',
    },
    { text: 'configure', code: `plugins: { CapacitorUpdater: { autoUpdate: false } }` },
    {
      text: 'updater',
      code: `export const updater = createBundleUpdater(host, { serverUrl: '${baseOf(values)}' })`,
    },
  ],
  publish: publishWebBundle,
}

const capgo: ClientKind = {
  id: 'capgo',
  name: 'Capgo capacitor-updater',
  platforms: PHONES,
  snippets: (values) => [
    {
      text: 'configure',
      code: `plugins: {
  CapacitorUpdater: {
    updateUrl: '${baseOf(values)}/capgo/updates',
    statsUrl: '${baseOf(values)}/capgo/stats',
    channelUrl: '${baseOf(values)}/capgo/channel_self',
  },
},`,
    },
  ],
  needsOpenAccess: true,
  publish: publishWebBundle,
}

const capawesome: ClientKind = {
  id: 'capawesome',
  name: 'Capawesome live-update',
  platforms: PHONES,
  needsOpenAccess: true,
  snippets: ({ app, serverUrl }) => [
    {
      text: 'configure',
      code: `plugins: {
  LiveUpdate: {
    appId: '${app.slug}',
    serverDomain: '${new URL(serverUrl).host}',
    readyTimeout: 10_000,
    autoBlockRolledBackBundles: true,
  },
},`,
    },
  ],
  publish: publishWebBundle,
}

const codePush: ClientKind = {
  id: 'codePush',
  name: 'CodePush',
  platforms: PHONES,
  snippets: ({ serverUrl }) => [
    { text: 'android', code: `<string moduleConfig="true" name="CodePushServerUrl">${serverUrl}</string>` },
    { text: 'ios', code: `<key>CodePushServerURL</key>\n<string>${serverUrl}</string>` },
  ],
  publish: release,
}

const expo: ClientKind = {
  id: 'expo',
  name: 'Expo (expo-updates)',
  platforms: PHONES,
  needsOpenAccess: true,
  snippets: ({ app, serverUrl, channel }) => [
    {
      text: 'configure',
      code: `"updates": {
  "url": "${serverUrl}/expo/${app.slug}/manifest",
  "requestHeaders": {
    "expo-channel-name": "${channel}"
  }
},`,
    },
  ],
  publish: ({ app, channel }) => `npx hotpatch publish --app ${app.slug} --branch ${channel} --message "First update"`,
}

const hotUpdater: ClientKind = {
  id: 'hotUpdater',
  name: 'hot-updater',
  platforms: PHONES,
  needsOpenAccess: true,
  snippets: ({ app, serverUrl }) => [
    {
      text: 'configure',
      code: `export default HotUpdater.wrap({
  baseURL: "${serverUrl}/hot-updater/${app.slug}",
  updateStrategy: "appVersion",
})(App)`,
    },
  ],
  publish: release,
}

const electron: ClientKind = {
  id: 'electron',
  name: 'electron-updater',
  platforms: DESKS,
  needsOpenAccess: true,
  snippets: ({ app, serverUrl }) => [
    { text: 'configure', code: `publish:\n  provider: generic\n  url: ${serverUrl}/electron/${app.slug}/` },
  ],
  publish: publishBuild('dist'),
}

const tauri: ClientKind = {
  id: 'tauri',
  name: 'Tauri',
  platforms: DESKS,
  needsOpenAccess: true,
  snippets: ({ app, serverUrl, channel }) => [
    {
      text: 'configure',
      code: `{
  "bundle": { "createUpdaterArtifacts": true },
  "plugins": {
    "updater": {
      "endpoints": [
        "${serverUrl}/tauri/${app.slug}/${channel}/{{target}}/{{arch}}/{{current_version}}?bundle_type={{bundle_type}}"
      ],
      "pubkey": "…"
    }
  }
}`,
    },
  ],
  publish: ({ app }) => `npx tauri build\nnpx hotpatch publish --app ${app.slug}`,
}

const sparkle: ClientKind = {
  id: 'sparkle',
  name: 'Sparkle, WinSparkle, upgrader',
  platforms: ['macos', 'windows', 'android', 'ios'],
  needsOpenAccess: true,
  snippets: (values) => [
    {
      text: 'configure',
      code: `<key>SUFeedURL</key>\n<string>${baseOf(values)}/channels/${values.channel}/appcast.xml</string>`,
    },
  ],
  publish: ({ app }) => `npx hotpatch binary publish MyApp.zip --app ${app.slug}`,
}

const appVersions: ClientKind = {
  id: 'appVersions',
  name: 'App versions (APK, IPA, installers)',
  platforms: [...PHONES, ...DESKS],
  snippets: (values) => [
    {
      text: 'check',
      code: `POST ${baseOf(values)}/api/updates/check
x-app-key: ${values.app.appKey}
content-type: application/json

{ "platform": "${platformOf(values, [...PHONES, ...DESKS])}", "current_version": "1.0.0+1", "device_id": "made at first start", "channel": "${values.channel}" }`,
    },
  ],
  publish: (values) => {
    const files = {
      android: 'my-app-1.1.0.apk',
      ios: 'my-app-1.1.0.ipa',
      windows: 'my-app-1.1.0-setup.exe',
      macos: 'my-app-1.1.0.dmg',
      linux: 'my-app-1.1.0.deb',
    }
    const platform = platformOf(values, [...PHONES, ...DESKS]) as keyof typeof files
    return `npx hotpatch binary publish ${files[platform]} --app ${values.app.slug}`
  },
}

const assetUpdates: ClientKind = {
  id: 'assetUpdates',
  name: 'Asset updates (Flutter and others)',
  platforms: SCREENS,
  snippets: (values) => [
    {
      text: 'check',
      code: `POST ${baseOf(values)}/api/v1/updates/check
x-app-key: ${values.app.appKey}
content-type: application/json

{ "platform": "${platformOf(values, SCREENS)}", "channel": "${values.channel}", "deviceId": "made at first start" }`,
    },
  ],
  publish: (values) =>
    `npx hotpatch publish www --kind files --app ${values.app.slug} --platform ${platformOf(values, SCREENS)} --version 1.0.1`,
}

const node: ClientKind = {
  id: 'engine',
  name: 'Node and anything in TypeScript',
  platforms: [...DESKS, 'any'],
  snippets: ({ app, serverUrl, channel, publicKeys }) => [
    {
      text: 'configure',
      code: `const engine = createNodeEngine({
  directory: 'updates', // private to this installation
  serverUrl: '${serverUrl}',
  appId: '${app.id}',
  appKey: '${app.appKey}',
  publicKeys: [${publicKeys.map((key) => `'${key}'`).join(', ') || "'the raw public key'"}],
  deviceId, // random, made once, kept
  channel: '${channel}',
  host: { platform: 'linux', nativeVersion: '1.0.0' },
})`,
    },
  ],
  publish: ({ app }) => `npx hotpatch release --app ${app.slug} --platform linux --version 1.0.1 --bundle-dir dist`,
}

export const CLIENT_KINDS: readonly ClientKind[] = [
  reactNative,
  capacitor,
  expo,
  codePush,
  capgo,
  capawesome,
  hotUpdater,
  electron,
  tauri,
  sparkle,
  appVersions,
  assetUpdates,
  node,
]

/** Those of its platforms first. */
export function kindsFor({ platforms }: App): readonly ClientKind[] {
  const fits = (kind: ClientKind) => kind.platforms.some((platform) => (platforms as string[]).includes(platform))
  return [...CLIENT_KINDS.filter(fits), ...CLIENT_KINDS.filter((kind) => !fits(kind))]
}
