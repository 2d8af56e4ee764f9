import type { AndroidManifest, StringsXml } from 'expo/config-plugins.js'
import type { NativeValue } from './native-configuration.ts'
import { PluginError } from './plugin-error.ts'

type Said = ReadonlyMap<string, NativeValue>

const PREFIX = 'dev.hotpatch.'
/** What a manifest would take for a number, and give back as another text: it refers to a resource instead. */
const RESOURCES: ReadonlyMap<string, string> = new Map([
  ['appKey', 'hotpatch_app_key'],
  ['channel', 'hotpatch_channel'],
  ['runtimeVersion', 'hotpatch_runtime_version'],
])

const textOf = (value: NativeValue) => (typeof value === 'string' ? value : value.join(','))

/** What was said before and is not any more goes. */
export function writeManifest(manifest: AndroidManifest, said: Said): AndroidManifest {
  const application = manifest.manifest.application?.[0]
  if (!application) throw new PluginError('expected an <application> in AndroidManifest.xml, found none.')
  const others = (application['meta-data'] ?? []).filter((item) => !item.$['android:name']?.startsWith(PREFIX))
  const ours = [...said].map(([name, value]) => {
    const resource = RESOURCES.get(name)
    const text = resource ? `@string/${resource}` : textOf(value)
    return { $: { 'android:name': PREFIX + name, 'android:value': text } }
  })
  application['meta-data'] = [...others, ...ours]
  return manifest
}

export function writeStrings(strings: StringsXml, said: Said): StringsXml {
  const names = new Set(RESOURCES.values())
  const others = (strings.resources.string ?? []).filter((item) => !names.has(item.$.name ?? ''))
  const ours = [...RESOURCES].flatMap(([name, resource]) => {
    const value = said.get(name)
    return value === undefined ? [] : [{ $: { name: resource, translatable: 'false' }, _: escaped(textOf(value)) }]
  })
  strings.resources.string = [...others, ...ours]
  return strings
}

/** As resources have it: a quote would be left out, and these at the beginning would be a reference. XML's own is done. */
function escaped(text: string): string {
  return text.replaceAll(/['"\\]/g, String.raw`\$&`).replace(/^[@?]/, String.raw`\$&`)
}

export function writeInfoPlist(plist: Record<string, unknown>, said: Said): Record<string, unknown> {
  const { HotPatch: _before, ...others } = plist
  return said.size > 0 ? { ...others, HotPatch: Object.fromEntries(said) } : others
}
