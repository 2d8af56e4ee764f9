import { writeElement } from '../../packages/server/src/dialects/appcast/xml.ts'
import { readSignedAppcast, writeSignedAppcast } from '../../packages/signatures/src/signed-appcast.ts'
import { appleManifest } from '../../packages/server/src/pages/install/apple-manifest.ts'
import { readPlist } from '../../packages/binary-files/src/apple/plist.ts'
import { Broken, type Target } from '../engine/target.ts'
import { textOf } from '../reading/texts.ts'

/** Texts of people, as feeds have them: read again, they are the same. And feeds that somebody has signed. */
export const target: Target = {
  reads: 'XML of feeds and install pages, and signed feeds',
  maxBytes: 600,
  words: ['<!-- sparkle-signatures:\n', 'edSignature: ', '\nlength: ', '-->\n', ']]>', '&#0;', '&lt;'],
  read(input) {
    const text = textOf(input)
    const signed = readSignedAppcast(text)
    if (typeof signed !== 'string' && !writeSignedAppcast(signed).startsWith(text.slice(0, -1)))
      throw new Broken('a signed feed that is written otherwise')
    const xml = writeElement({ name: 'item', attributes: { title: text }, children: text })
    if (/[^\t\n\r -\ud7ff\ue000-\ufffd\ud800-\udfff]/.test(xml)) throw new Broken('a character that no XML has')
    const inner = xml.slice(xml.indexOf('>') + 1, xml.lastIndexOf('</item>'))
    if (/[<>]/.test(inner) || (xml.match(/</g) ?? []).length !== (xml.endsWith('/>') ? 1 : 2))
      throw new Broken('a text that is markup')
    const manifest = appleManifest({ url: 'https://a.example/b.ipa', bundleId: text, version: text, title: text })
    try {
      readPlist(Buffer.from(manifest), 'the manifest')
    } catch (error) {
      // Names of apps and versions were held against their rules before: none has a character that XML has not.
      if (/^[\t\n\r -\ud7ff\ue000-\ufffd]*$/.test(text)) throw error
    }
  },
  refuses: () => false,
}

export function seeds() {
  const value = Buffer.alloc(64, 7).toString('base64')
  return ['a < b & "c"', '\u0000\u0008\ud800x\ufffe', ']]>', writeSignedAppcast({ content: '<rss/>\n', value })]
}
