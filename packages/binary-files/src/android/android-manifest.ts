import type { Application } from '@hotpatch/api'
import { refusal } from '../refusal.ts'
import type { ResourceValue } from './resource-value.ts'

/** An element of a manifest, whichever of its two forms it was read from. */
export interface ManifestElement {
  name: string
  depth: number
  attribute(resourceId: number): ResourceValue | undefined
  plainAttribute(name: string): ResourceValue | undefined
}

/** Of the attributes that Android reads, by which it knows them. */
const ATTRIBUTES = {
  label: 0x0101_0001,
  icon: 0x0101_0002,
  name: 0x0101_0003,
  debuggable: 0x0101_000f,
  minSdkVersion: 0x0101_020c,
  versionCode: 0x0101_021b,
  versionName: 0x0101_021c,
  versionCodeMajor: 0x0101_0576,
}

export interface AndroidManifest {
  id: string
  /** A part of an app that is installed with the others. */
  split: string | undefined
  version: ResourceValue | undefined
  versionCode: number | undefined
  minSdk: ResourceValue | undefined
  permissions: string[]
  isDebuggable: boolean
  label: ResourceValue | undefined
  icon: ResourceValue | undefined
}

/** Real apps have some fifty. */
const MAX_PERMISSIONS = 1_000
const MAX_ID_CHARACTERS = 255
const MAX_VERSION_CHARACTERS = 255

export function readAndroidManifest(elements: Iterable<ManifestElement>): AndroidManifest {
  let root: ManifestElement | undefined
  let application: ManifestElement | undefined
  let minSdk: ResourceValue | undefined
  const permissions = new Set<string>()
  for (const element of elements) {
    if (element.depth === 0) root ??= element
    if (element.depth !== 1) continue
    if (element.name === 'application') application ??= element
    else if (element.name === 'uses-sdk') minSdk ??= element.attribute(ATTRIBUTES.minSdkVersion)
    else if (/^uses-permission(-sdk-23)?$/.test(element.name)) {
      const name = textOf(element.attribute(ATTRIBUTES.name))
      if (name !== undefined && permissions.size < MAX_PERMISSIONS) permissions.add(name.slice(0, MAX_ID_CHARACTERS))
    }
  }
  if (root?.name !== 'manifest') throw refusal('Expected AndroidManifest.xml to hold a <manifest>, found none.')
  return {
    id: readId(textOf(root.plainAttribute('package'))),
    split: textOf(root.plainAttribute('split')),
    version: root.attribute(ATTRIBUTES.versionName),
    versionCode: readVersionCode(root),
    minSdk,
    permissions: [...permissions],
    isDebuggable: isTrue(application?.attribute(ATTRIBUTES.debuggable)),
    label: application?.attribute(ATTRIBUTES.label),
    icon: application?.attribute(ATTRIBUTES.icon),
  }
}

/** As in the manifest: without what a table of resources would say of it. */
export function asApplication(manifest: AndroidManifest, paths: readonly string[]): Application {
  const { id, version, versionCode, minSdk, permissions, isDebuggable } = manifest
  const minOsVersion = textOf(minSdk)?.slice(0, MAX_VERSION_CHARACTERS)
  return {
    id,
    version: textOf(version)?.slice(0, MAX_VERSION_CHARACTERS) ?? '',
    ...(versionCode !== undefined && { versionCode }),
    ...(minOsVersion !== undefined && { minOsVersion }),
    architectures: architecturesIn(paths),
    permissions,
    certificates: [],
    isDebuggable,
  }
}

function readId(id: string | undefined): string {
  if (id !== undefined && /^\w+(\.\w+)+$/.test(id) && id.length <= MAX_ID_CHARACTERS) return id
  const found = id === undefined ? 'none' : JSON.stringify(id.slice(0, 100))
  throw refusal(`Expected a package such as com.example.app in AndroidManifest.xml, found ${found}.`)
}

/** Android's long version code has 64 bits; more than JavaScript counts is nobody's. */
function readVersionCode(root: ManifestElement): number | undefined {
  const low = numberOf(root.attribute(ATTRIBUTES.versionCode))
  const high = numberOf(root.attribute(ATTRIBUTES.versionCodeMajor)) ?? 0
  if (low === undefined) return undefined
  const code = high * 0x1_0000_0000 + low
  if (Number.isSafeInteger(code) && code >= 0) return code
  throw refusal(`Expected a version code of at most ${Number.MAX_SAFE_INTEGER}, found ${code}.`)
}

const NATIVE_LIBRARY = /^(?:[\w.-]+\/)?lib\/([\w.-]{1,32})\/[^/]+\.so$/
const MAX_ARCHITECTURES = 16

function architecturesIn(paths: readonly string[]): string[] {
  const found = new Set(paths.flatMap((path) => NATIVE_LIBRARY.exec(path)?.[1] ?? []))
  return [...found].sort().slice(0, MAX_ARCHITECTURES)
}

/** Of a number, too: the form that is for tools has every value as text. */
export function textOf(value: ResourceValue | undefined): string | undefined {
  if (value?.kind === 'text') return value.text
  return value?.kind === 'number' ? String(value.number) : undefined
}

function numberOf(value: ResourceValue | undefined): number | undefined {
  if (value?.kind === 'number') return value.number
  return value?.kind === 'text' && /^\d{1,16}$/.test(value.text) ? Number(value.text) : undefined
}

function isTrue(value: ResourceValue | undefined): boolean {
  return value?.kind === 'boolean' ? value.value : textOf(value) === 'true'
}
