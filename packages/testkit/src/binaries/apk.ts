import { writeZip, type ZipEntry } from '../archives/archive-builder.ts'
import { binaryXml, resourceTable, type WrittenElement, type WrittenType } from './android-resources.ts'
import { makeSigner, type Signer } from './der.ts'
import { aPng } from './png.ts'
import { signApk } from './sign-apk.ts'

export interface ApkFacts {
  id?: string
  version?: string
  versionCode?: number
  name?: string
  minSdk?: number
  permissions?: readonly string[]
  isDebuggable?: boolean
  /** Such as "arm64-v8a". */
  architectures?: readonly string[]
  icon?: Buffer
  signer?: Signer | null
  /** Instead of the manifest and the resources that follow from the rest. */
  manifest?: Buffer
  resources?: Buffer
  more?: readonly ZipEntry[]
}

const STRING = 0x7f01_0000
const ICON = 0x7f02_0000

let testSigner: Signer | undefined

/** A small APK that Android's tools read, made without them. */
export function anApk(facts: ApkFacts = {}): Buffer {
  const { icon = aPng(), architectures = ['arm64-v8a'], signer = (testSigner ??= makeSigner()), more = [] } = facts
  const zip = writeZip([
    { name: 'AndroidManifest.xml', content: facts.manifest ?? androidManifest(facts) },
    { name: 'resources.arsc', method: 0, content: facts.resources ?? resources(facts) },
    { name: 'res/icon.png', method: 0, content: icon },
    ...architectures.map((each) => ({ name: `lib/${each}/libapp.so`, content: 'native' })),
    ...more,
  ])
  return signer ? signApk(zip, signer) : zip
}

export function androidManifest({
  id = 'com.example.app',
  version = '1.0.0',
  versionCode = 1,
  minSdk = 24,
  permissions = ['android.permission.INTERNET'],
  isDebuggable = false,
}: ApkFacts = {}): Buffer {
  const manifest: WrittenElement = {
    name: 'manifest',
    attributes: [
      { name: 'versionCode', id: 0x0101_021b, value: versionCode },
      { name: 'versionName', id: 0x0101_021c, value: version },
      { name: 'package', value: id },
    ],
    children: [
      { name: 'uses-sdk', attributes: [{ name: 'minSdkVersion', id: 0x0101_020c, value: minSdk }] },
      ...permissions.map((value) => ({
        name: 'uses-permission',
        attributes: [{ name: 'name', id: 0x0101_0003, value }],
      })),
      {
        name: 'application',
        attributes: [
          { name: 'label', id: 0x0101_0001, value: { reference: STRING } },
          { name: 'icon', id: 0x0101_0002, value: { reference: ICON } },
          { name: 'debuggable', id: 0x0101_000f, value: isDebuggable },
        ],
      },
    ],
  }
  return binaryXml(manifest)
}

function resources({ id = 'com.example.app', name = 'Example' }: ApkFacts): Buffer {
  const types: WrittenType[] = [
    { id: 1, language: 'de', resources: [{ entry: 1, value: `${name} (de)` }] },
    {
      id: 1,
      resources: [
        { entry: 0, value: { reference: STRING + 1 } },
        { entry: 1, value: name },
      ],
    },
    { id: 2, density: 480, resources: [{ entry: 0, value: 'res/icon.png' }] },
  ]
  return resourceTable(id, types)
}
