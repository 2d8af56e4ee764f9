import { writeZip, type ZipEntry } from '../archives/archive-builder.ts'
import { makeSigner, signedMessage, type Signer } from './der.ts'
import { anApplePng } from './png.ts'

export interface IpaFacts {
  id?: string
  version?: string
  build?: string
  name?: string
  minOsVersion?: string
  /** Null for none: an app that was not signed for devices. */
  profile?: ProfileFacts | null
  /** Instead of the property list that follows from the rest. */
  info?: Buffer
  more?: readonly ZipEntry[]
}

export interface ProfileFacts {
  type?: 'ad-hoc' | 'enterprise' | 'development' | 'store'
  expiresAt?: string
  teamId?: string
  devices?: readonly string[]
}

let testSigner: Signer | undefined

/** An IPA as Xcode packs one, as far as a server looks into it. Its program does nothing, and nobody signed it. */
export function anIpa(facts: IpaFacts = {}): Buffer {
  const { profile = {}, more = [] } = facts
  const inside = 'Payload/Example.app/'
  return writeZip([
    { name: 'Payload/', method: 0 },
    { name: inside, method: 0 },
    { name: `${inside}Info.plist`, content: facts.info ?? infoPlist(facts) },
    { name: `${inside}Example`, content: Buffer.from('cffaedfe0c00000100000000', 'hex') },
    { name: `${inside}AppIcon60x60@2x.png`, method: 0, content: anApplePng(120, [200, 60, 30]) },
    ...(profile ? [{ name: `${inside}embedded.mobileprovision`, content: aProfile(profile) }] : []),
    ...more,
  ])
}

export function infoPlist({
  id = 'com.example.app',
  version = '1.0.0',
  build = '1',
  name = 'Example',
  minOsVersion = '15.0',
}: IpaFacts = {}): Buffer {
  return xmlPlist(`<dict>
${pair('CFBundleIdentifier', id)}${pair('CFBundleShortVersionString', version)}${pair('CFBundleVersion', build)}
${pair('CFBundleDisplayName', name)}${pair('MinimumOSVersion', minOsVersion)}${pair('CFBundleExecutable', 'Example')}
${pair('NSCameraUsageDescription', 'To scan codes')}
<key>CFBundleIcons</key><dict><key>CFBundlePrimaryIcon</key><dict>
<key>CFBundleIconFiles</key><array><string>AppIcon60x60</string></array></dict></dict></dict>`)
}

/** Signed by a certificate of its own, and not by Apple. */
export function aProfile(facts: ProfileFacts = {}): Buffer {
  const { type = 'ad-hoc', expiresAt = '2030-01-01T00:00:00Z', teamId = 'TEAM123456' } = facts
  const devices = facts.devices ?? (type === 'ad-hoc' || type === 'development' ? ['udid-1', 'udid-2'] : undefined)
  const signer = (testSigner ??= makeSigner('Apple Development'))
  const plist = xmlPlist(`<dict>
<key>TeamIdentifier</key><array><string>${teamId}</string></array>
<key>ExpirationDate</key><date>${expiresAt}</date>
<key>DeveloperCertificates</key><array><data>${signer.certificate.toString('base64')}</data></array>
<key>Entitlements</key><dict><key>get-task-allow</key><${type === 'development'}/></dict>
${type === 'enterprise' ? '<key>ProvisionsAllDevices</key><true/>' : ''}
${devices ? `<key>ProvisionedDevices</key><array>${devices.map((each) => `<string>${each}</string>`).join('')}</array>` : ''}
</dict>`)
  return signedMessage(plist, signer)
}

export function xmlPlist(content: string): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">${content}</plist>`)
}

function pair(key: string, value: string): string {
  const escaped = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<key>${key}</key><string>${escaped}</string>`
}
