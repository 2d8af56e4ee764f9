import { readAndroidManifest } from '../../packages/binary-files/src/android/android-manifest.ts'
import { elementsIn } from '../../packages/binary-files/src/android/binary-xml.ts'
import { readResourceTable } from '../../packages/binary-files/src/android/resource-table.ts'
import { readingOf } from '../../packages/binary-files/src/refusal.ts'
import type { Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { readerFor } from '../reading/texts.ts'

const READERS: readonly ((bytes: Buffer) => void)[] = [
  (bytes) => {
    readAndroidManifest(elementsIn(bytes))
  },
  (bytes) => {
    for (const { attribute, plainAttribute } of elementsIn(bytes)) {
      attribute(0x0101_021b)
      plainAttribute('package')
    }
  },
  (bytes) => {
    const table = readResourceTable(bytes)
    for (const id of [0x7f01_0000, 0x7f02_0000, 0x7f01_ffff, 0x0101_0001]) table.valuesOf(id)
  },
]

export const target: Target = {
  reads: 'binary XML and tables of resources, as APKs have them',
  maxBytes: 4_000,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    readingOf('the file', () => read(Buffer.from(bytes)))
  },
  refuses: isReaderRefusal,
}

export async function seeds() {
  const { androidManifest, resourceTable } = await import('@hotpatch/testkit/binaries')
  const table = resourceTable('com.example.app', [
    { id: 1, language: 'de', resources: [{ entry: 1, value: 'Name' }] },
    {
      id: 1,
      resources: [
        { entry: 0, value: { reference: 0x7f01_0001 } },
        { entry: 1, value: 'Name' },
      ],
    },
    { id: 2, density: 480, resources: [{ entry: 0, value: 'res/icon.png' }] },
  ])
  const manifests = [androidManifest(), androidManifest({ isDebuggable: true, permissions: ['a', 'b'] })]
  return [
    ...manifests.flatMap((bytes) => [0, 1].map((index) => Buffer.concat([Buffer.of(index), bytes]))),
    Buffer.concat([Buffer.of(2), table]),
  ]
}
