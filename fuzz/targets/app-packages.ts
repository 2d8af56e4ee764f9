import { readAab } from '../../packages/binary-files/src/android/read-aab.ts'
import { readApk } from '../../packages/binary-files/src/android/read-apk.ts'
import { readIpa } from '../../packages/binary-files/src/apple/read-ipa.ts'
import { READING_LIMITS } from '../../packages/binary-files/src/application.ts'
import { readMsix } from '../../packages/binary-files/src/windows/read-msix.ts'
import { Broken, type Target } from '../engine/target.ts'
import { fileOf } from '../reading/memory-file.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { readerFor } from '../reading/texts.ts'

const READERS = [readApk, readAab, readIpa, readMsix]

export const target: Target = {
  reads: 'whole APK, AAB, IPA and MSIX files',
  maxBytes: 8_000,
  async read(input) {
    const [read, file] = readerFor(READERS, input)
    const { application, icon } = await read(fileOf(file), READING_LIMITS)
    if (!application || application.id.length === 0) throw new Broken('an app without an id')
    if (icon && icon.length > READING_LIMITS.maxIconBytes) throw new Broken('an icon above its bound')
  },
  refuses: isReaderRefusal,
}

export async function seeds() {
  const { anApk, anIpa, aProfile } = await import('@hotpatch/testkit/binaries')
  const { writeZip } = await import('@hotpatch/testkit/archives')
  const msix =
    '<Package xmlns="a"><Identity Name="Example.App" Version="1.0.0.0" ProcessorArchitecture="x64"/><Dependencies><TargetDeviceFamily MinVersion="10.0.1"/></Dependencies><Capabilities><Capability Name="internetClient"/></Capabilities></Package>'
  const field = (number: number, bytes: Buffer) => Buffer.concat([Buffer.of((number << 3) | 2, bytes.length), bytes])
  const attribute = (name: string, value: string) =>
    field(4, Buffer.concat([field(2, Buffer.from(name)), field(3, Buffer.from(value))]))
  const manifest = field(
    1,
    Buffer.concat([
      field(3, Buffer.from('manifest')),
      attribute('package', 'com.example.app'),
      attribute('versionName', '1.0'),
    ]),
  )
  const files: readonly Buffer[][] = [
    [anApk(), anApk({ signer: null }), writeZip([{ name: 'AndroidManifest.xml', content: 'x' }])],
    [writeZip([{ name: 'base/manifest/AndroidManifest.xml', content: manifest }])],
    [
      anIpa(),
      writeZip([
        { name: 'Payload/a.app/Info.plist', content: 'bplist00' },
        { name: 'Payload/a.app/embedded.mobileprovision', content: aProfile() },
      ]),
    ],
    [writeZip([{ name: 'AppxManifest.xml', content: msix }])],
  ]
  return files.flatMap((of, index) => of.map((file) => Buffer.concat([Buffer.of(index), file])))
}
