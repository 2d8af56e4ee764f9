import { readPlist } from '../../packages/binary-files/src/apple/plist.ts'
import { readXml } from '../../packages/binary-files/src/xml.ts'
import { readingOf } from '../../packages/binary-files/src/refusal.ts'
import { Broken, type Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { readerFor } from '../reading/texts.ts'

const MOST_VALUES = 300_000

const READERS: readonly ((bytes: Buffer) => void)[] = [
  (bytes) => {
    const plist = readPlist(bytes, 'Info.plist')
    if (plist.size > MOST_VALUES) throw new Broken('more values than are read')
  },
  (bytes) => {
    let depth = 0
    readXml(bytes, 'AppxManifest.xml', { open: () => depth++, text: () => undefined, close: () => depth-- })
    if (depth !== 0) throw new Broken('elements that did not end')
  },
]

export const target: Target = {
  reads: 'property lists, binary and as XML, and manifests of MSIX',
  maxBytes: 3_000,
  words: [
    '<plist version="1.0">',
    '<dict>',
    '<key>',
    '</key>',
    '<array>',
    '<true/>',
    '<data>',
    '<date>',
    '<integer>',
    '&amp;',
    '&#x0;',
    '<![CDATA[',
    ']]>',
    '<!DOCTYPE',
    '<!--',
    '<?xml',
  ],
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    readingOf('the file', () => read(Buffer.from(bytes)))
  },
  refuses: isReaderRefusal,
}

export async function seeds() {
  const { infoPlist, writeBinaryPlist, xmlPlist, packBinaryPlist, listOf } = await import('@hotpatch/testkit/binaries')
  const files = [
    infoPlist({}),
    writeBinaryPlist({ a: 'b', c: ['d', true, 7, { e: 'ä' }] }),
    packBinaryPlist([listOf([0, 0])]),
    xmlPlist(
      '<dict><key>a</key><string>b</string><key>c</key><array><true/><integer>7</integer><real>1.5</real><data>aGk=</data><date>2027-01-01T00:00:00Z</date></array></dict>',
    ),
    Buffer.from(
      '<?xml version="1.0"?><Package xmlns:a="x"><Identity Name="A" Version="1.0"/><a:Capability Name="b">&lt;</a:Capability></Package>',
    ),
  ]
  return files.flatMap((bytes) => [0, 1].map((index) => Buffer.concat([Buffer.of(index), bytes])))
}
