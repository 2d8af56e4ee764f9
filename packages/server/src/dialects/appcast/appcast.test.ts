import { readFileSync } from 'node:fs'
import { DOMParser, onErrorStopParsing, type Element as XmlElement } from '@xmldom/xmldom'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Feed } from '../../updates/dialect.ts'
import { renderAppcast, type AppcastReader } from './render-appcast.ts'
import { attribute, text, writeElement } from './xml.ts'

const SHA256 = 'a'.repeat(64)
const SPARKLE = 'http://www.andymatuschak.org/xml-namespaces/sparkle'

interface AppcastCase {
  comment: string
  reader?: AppcastReader
  rollouts: { release: Record<string, unknown>; mandatory?: boolean; mandatoryBelow?: string; startedAt?: string }[]
  phasedSeconds?: number
  /** Of each item, what a reader finds; undefined where there is none. */
  items: Record<string, unknown>[]
  golden?: string
}

const { cases, publicUrl, title, upgrader } = JSON.parse(
  readFileSync(new URL('../../../../../vectors/dialects/appcast/appcast.json', import.meta.url), 'utf8'),
) as {
  cases: AppcastCase[]
  publicUrl: string
  title: string
  upgrader: { comment: string; item: string; installed: string; expected: unknown }[]
}

/** A parser that is not ours, and takes nothing that is not well-formed. */
function parse(xml: string): XmlElement {
  const document = new DOMParser({ onError: onErrorStopParsing }).parseFromString(xml, 'text/xml')
  const { documentElement } = document
  if (!documentElement) throw new Error('There is no element.')
  return documentElement
}

const childOf = (parent: XmlElement, name: string, namespace: string | null = null) =>
  [...parent.childNodes].find(
    (node): node is XmlElement =>
      node.nodeType === 1 && node.localName === name && (node.namespaceURI ?? null) === namespace,
  )
const textOf = (parent: XmlElement, name: string, namespace: string | null = null) =>
  childOf(parent, name, namespace)?.textContent ?? undefined

/** As Sparkle and WinSparkle look at an item. */
function readItem(item: XmlElement): Record<string, unknown> {
  const enclosure = childOf(item, 'enclosure')
  const critical = childOf(item, 'criticalUpdate', SPARKLE)
  const tags = childOf(item, 'tags', SPARKLE)
  const found = {
    version: textOf(item, 'version', SPARKLE),
    shortVersion: textOf(item, 'shortVersionString', SPARKLE),
    minimumSystemVersion: textOf(item, 'minimumSystemVersion', SPARKLE),
    minimumUpdateVersion: textOf(item, 'minimumUpdateVersion', SPARKLE),
    hardware: textOf(item, 'hardwareRequirements', SPARKLE),
    critical: critical && (critical.getAttributeNS(SPARKLE, 'version') ?? true),
    isTagged: tags ? childOf(tags, 'criticalUpdate', SPARKLE) !== undefined : undefined,
    pubDate: textOf(item, 'pubDate'),
    description: textOf(item, 'description'),
    phased: textOf(item, 'phasedRolloutInterval', SPARKLE),
    deltas: deltasOf(item),
    url: enclosure?.getAttribute('url') ?? undefined,
    length: enclosure?.getAttribute('length') ?? undefined,
    os: enclosure?.getAttributeNS(SPARKLE, 'os') ?? undefined,
    edSignature: enclosure?.getAttributeNS(SPARKLE, 'edSignature') ?? undefined,
    installationType: enclosure?.getAttributeNS(SPARKLE, 'installationType') ?? undefined,
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/** As Sparkle does: by the build that each is from. */
function deltasOf(item: XmlElement) {
  const deltas = childOf(item, 'deltas', SPARKLE)
  if (!deltas) return undefined
  const enclosures = [...deltas.childNodes].filter((node): node is XmlElement => node.nodeName === 'enclosure')
  return enclosures.map((enclosure) => ({
    from: enclosure.getAttributeNS(SPARKLE, 'deltaFrom'),
    url: enclosure.getAttribute('url'),
    length: enclosure.getAttribute('length'),
    type: enclosure.getAttribute('type'),
    edSignature: enclosure.getAttributeNS(SPARKLE, 'edSignature'),
  }))
}

function itemsOf(xml: string): XmlElement[] {
  const channel = childOf(parse(xml), 'channel')
  return channel ? [...channel.childNodes].filter((node): node is XmlElement => node.nodeName === 'item') : []
}

function feedOf(rollouts: AppcastCase['rollouts']): Feed {
  return rollouts.map(({ release, startedAt = '2027-01-31T12:00:00Z', ...rollout }) => ({
    mandatory: false,
    startsAt: null,
    startedAt: Date.parse(startedAt),
    target: { id: 'a-release', notes: '', requirement: {}, ...release },
    ...rollout,
  })) as unknown as Feed
}

const render = ({ reader = 'sparkle', rollouts, phasedSeconds }: Omit<AppcastCase, 'comment' | 'items'>) =>
  renderAppcast(feedOf(rollouts), { title, reader, publicUrl, phasedSeconds })

test.each(cases)('Appcast: $comment', (each) => {
  const found = itemsOf(render(each)).map(readItem)
  expect(found).toHaveLength(each.items.length)
  for (const [index, expected] of each.items.entries()) {
    const wanted = Object.entries(expected)
    const item = found[index] ?? {}
    for (const [name, value] of wanted) expect({ [name]: item[name] ?? null }).toEqual({ [name]: value })
  }
})

test.each(cases.filter(({ golden }) => golden !== undefined))('byte for byte: $comment', async (each) => {
  await expect(render(each)).toMatchFileSnapshot(
    new URL(`../../../../../vectors/dialects/appcast/${each.golden}`, import.meta.url).pathname,
  )
})

describe('what is hostile', () => {
  const everyLineEnd = fc.constantFrom('\t', '\n', '\r', '\u0085', '\u2028', '\u2029')
  test.each([
    ['anything', fc.string({ unit: 'binary', maxLength: 200 })],
    ['lines', fc.string({ unit: everyLineEnd, maxLength: 5 })],
  ])('stays text: %s', (_, texts) => {
    fc.assert(
      fc.property(texts, (hostile) => {
        const xml = writeElement({
          name: 'a',
          attributes: { b: hostile },
          children: [{ name: 'c', children: hostile }],
        })
        const root = parse(`<?xml version="1.0" encoding="utf-8"?>\n${xml}`)
        const kept = Array.from(hostile.toWellFormed(), (each) => (isXml(each) ? each : '\uFFFD')).join('')
        expect(root.getAttribute('b')).toBe(kept)
        expect(textOf(root, 'c') ?? '').toBe(kept)
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['</description><enclosure url="https://evil.example.com/"/>'],
    [']]><evil/>'],
    ['<!--'],
    ['<!DOCTYPE rss [<!ENTITY x "y">]>&x;'],
    ['"\' onload="evil'],
    ['\u0000\u0008\uFFFE\uD800'],
    ['<?xml version="1.1"?>'],
  ])('in notes, names and addresses: %j', (hostile) => {
    const file = { name: hostile, platform: 'macos', architecture: 'any', format: 'dmg', sha256: SHA256, sizeBytes: 1 }
    const binaries = [{ ...file, url: `https://cdn.example.com/${hostile}` }]
    const rollouts = [{ release: { version: '1.0.0', notes: hostile, binaries } }]
    for (const reader of ['sparkle', 'upgrader'] as const) {
      const xml = renderAppcast(feedOf(rollouts), { title: hostile, reader, publicUrl })
      const [item, ...others] = itemsOf(xml)
      expect(others).toEqual([])
      expect(
        [...(item?.childNodes ?? [])].filter(({ nodeType }) => nodeType === 1).map(({ nodeName }) => nodeName),
      ).toEqual(['title', 'pubDate', 'sparkle:version', 'description', 'enclosure'])
    }
  })

  test('is escaped in one way only', () => {
    expect(attribute('a&"<>\'\n')).toBe('a&amp;&quot;&lt;&gt;&#39;&#10;')
    expect(text('a&"<>\'\n')).toBe('a&amp;"&lt;&gt;\'\n')
  })
})

function isXml(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return code === 9 || code === 10 || code === 13 || (code >= 32 && code !== 0xfffe && code !== 0xffff)
}

test('it has an end', () => {
  const binaries = [
    { name: 'a.dmg', platform: 'macos', architecture: 'any', format: 'dmg', sha256: SHA256, sizeBytes: 1 },
  ]
  const rollouts = Array.from({ length: 300 }, (_, index) => ({ release: { version: `1.${index}.0`, binaries } }))
  expect(itemsOf(render({ rollouts }))).toHaveLength(100)
})

/** The rules by which `upgrader` reads an item, in TypeScript: what it makes of our feeds is pinned by them. */
describe('upgrader', () => {
  test.each(upgrader)('$comment', ({ item, installed, expected }) => {
    const xml = `<rss version="2.0" xmlns:sparkle="${SPARKLE}"><channel>${item}</channel></rss>`
    expect(asUpgrader(itemsOf(xml), { installed, os: 'android' })).toEqual(expected)
  })

  test('reads what is written for it, and blocks below what is critical', () => {
    const binaries = [
      { name: 'a.apk', platform: 'android', architecture: 'any', format: 'apk', sha256: SHA256, sizeBytes: 1 },
    ]
    const rollouts = [
      { release: { version: '1.2.0+3', versionCode: 3, notes: 'Newest', binaries } },
      { release: { version: '1.1.0+2', versionCode: 2, notes: 'Critical', binaries }, mandatory: true },
    ]
    const items = itemsOf(render({ reader: 'upgrader', rollouts }))
    expect(asUpgrader(items, { installed: '1.0.0', os: 'android' })).toEqual({
      version: '1.2.0+3',
      notes: 'Newest',
      url: `${publicUrl}/artifacts/${SHA256}?release=a-release`,
      blocks: true,
    })
    expect(asUpgrader(items, { installed: '1.1.0+2', os: 'android' })).toMatchObject({ blocks: false })
    // For Sparkle it would be a lone number, which is no version to it.
    expect(asUpgrader(itemsOf(render({ rollouts })), { installed: '1.0.0', os: 'android' })).toBeNull()
  })
})

/** What Dart's pub_semver parses. */
const DART = /^(\d+)\.(\d+)\.(\d+)(-([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?$/

function asUpgrader(items: readonly XmlElement[], { installed, os }: { installed: string; os: string }) {
  const read = items.flatMap((item) => {
    const enclosure = childOf(item, 'enclosure')
    const version = textOf(item, 'version', SPARKLE) ?? enclosure?.getAttributeNS(SPARKLE, 'version') ?? ''
    const itemOs = enclosure?.getAttributeNS(SPARKLE, 'os')?.toLowerCase()
    if (!DART.test(version) || (itemOs !== undefined && itemOs !== os)) return []
    const tags = childOf(item, 'tags', SPARKLE)
    const isCritical = tags !== undefined && childOf(tags, 'criticalUpdate', SPARKLE) !== undefined
    return [{ version, isCritical, notes: textOf(item, 'description') ?? null, url: enclosure?.getAttribute('url') }]
  })
  const highest = (found: typeof read) => found.toSorted((a, b) => compareDart(b.version, a.version))[0]
  const best = highest(read)
  if (!best) return null
  const critical = highest(read.filter(({ isCritical }) => isCritical))
  const blocks = critical !== undefined && compareDart(installed, critical.version) < 0
  return { version: best.version, notes: best.notes, url: best.url, blocks }
}

function compareDart(a: string, b: string): number {
  const numbers = (version: string) =>
    [...(DART.exec(version)?.slice(1, 4) ?? []), DART.exec(version)?.[7] ?? '-1'].map(Number)
  const [left, right] = [numbers(a), numbers(b)]
  return left.map((each, index) => each - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0
}
