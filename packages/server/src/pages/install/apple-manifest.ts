import { markup } from './markup.ts'

export interface AppleInstallation {
  /** Of the IPA. */
  url: string
  bundleId: string
  version: string
  title: string
}

/** What `itms-services` reads before it installs: one app, and where its IPA is. */
export function appleManifest({ url, bundleId, version, title }: AppleInstallation): string {
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>items</key>
  <array>
    <dict>
      <key>assets</key>
      <array>
        <dict>
          <key>kind</key><string>software-package</string>
          <key>url</key><string>${url}</string>
        </dict>
      </array>
      <key>metadata</key>
      <dict>
        <key>bundle-identifier</key><string>${bundleId}</string>
        <key>bundle-version</key><string>${version}</string>
        <key>kind</key><string>software</string>
        <key>platform-identifier</key><string>com.apple.platform.iphoneos</string>
        <key>title</key><string>${title}</string>
      </dict>
    </dict>
  </array>
</dict>
</plist>
`.text
}

/** The address that makes a device of Apple's install; the manifest has to be at https. */
export function appleInstallUrl(manifestUrl: string): string {
  return `itms-services://?action=download-manifest&url=${encodeURIComponent(manifestUrl)}`
}
