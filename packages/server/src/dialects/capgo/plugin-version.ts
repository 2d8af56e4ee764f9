import { toldText, type Fields } from '../reading/read-fields.ts'

/** The lowest version of each major that has something; a major above all of them has it. */
type Since = Readonly<Record<number, readonly [minor: number, patch: number]>>

/** Capgo §7. */
export const PLUGIN = {
  /** The plugin of an older server's protocol, in which this one cannot answer. */
  isServed: { 5: [0, 0] },
  goesBackToBuiltIn: { 6: [2, 0] },
  /** The form of checksum that `capgo-v2` has. */
  readsEncryptedChecksums: { 5: [30, 0], 6: [30, 0], 7: [30, 0], 8: [0, 0] },
  takesManifests: { 5: [10, 0], 6: [25, 0], 7: [0, 35] },
  showsComments: { 5: [35, 0], 6: [35, 0], 7: [35, 0], 8: [35, 0] },
  keepsItsChannel: { 5: [34, 0], 6: [34, 0], 7: [34, 0], 8: [0, 0] },
} as const satisfies Record<string, Since>

const VERSION = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})/

export type PluginFeature = keyof typeof PLUGIN

export function has(feature: PluginFeature, fields: Fields): boolean {
  return hasAt(toldText(fields, 'plugin_version', 64), feature)
}

/** One that does not tell its version, or no version, is taken for a new one. */
export function hasAt(version: string | undefined, feature: PluginFeature): boolean {
  const [, major, minor, patch] = VERSION.exec(version ?? '')?.map(Number) ?? []
  if (major === undefined || minor === undefined || patch === undefined) return true
  const since: Since = PLUGIN[feature]
  const lowest = since[major]
  if (!lowest) return major > Math.max(...Object.keys(since).map(Number))
  return minor > lowest[0] || (minor === lowest[0] && patch >= lowest[1])
}
