import type { FileHandle } from 'node:fs/promises'
import type { ReadApplication, ReadingLimits } from '../application.ts'
import { openPackageZip, type PackageZip } from '../package-zip.ts'
import { asIcon } from '../picture.ts'
import { refusal } from '../refusal.ts'
import { asPlainPng } from './apple-png.ts'
import { MACH_O_START_BYTES, machOArchitectures } from './mach-o.ts'
import { readPlist } from './plist.ts'
import { dictionaryIn, listIn, textIn, type PlistDictionary } from './plist-value.ts'
import { readProfile } from './provisioning.ts'

const INFO = /^Payload\/([^/]+\.app)\/Info\.plist$/
/** What an app asks people for has a sentence that says why. */
const ASKS_FOR = /^NS\w+UsageDescription$/
const MAX_ASKED = 200
const MAX_ASKED_CHARACTERS = 255
const MAX_ICONS = 20

export async function readIpa(handle: FileHandle, limits: ReadingLimits): Promise<ReadApplication> {
  const zip = await openPackageZip(handle, limits)
  const folders = zip.paths.flatMap((path) => INFO.exec(path)?.[1] ?? [])
  const [folder] = folders
  if (folder === undefined || folders.length > 1) {
    throw refusal(`Expected one Payload/….app/Info.plist in the zip, found ${folders.length}: it is no IPA.`)
  }
  const inside = `Payload/${folder}/`
  const info = await zip.read(`${inside}Info.plist`, limits.maxManifestBytes)
  const plist = readPlist(info ?? Buffer.alloc(0), 'Info.plist')
  const profileBytes = await zip.read(`${inside}embedded.mobileprovision`, limits.maxManifestBytes)
  const { provisioning, teamId, certificates = [] } = profileBytes ? readProfile(profileBytes) : {}
  const icon = await readIcon(zip, inside, plist, limits)
  return {
    application: {
      ...identityOf(plist),
      ...namesOf(plist),
      architectures: await architecturesOf(zip, inside, plist),
      permissions: permissionsOf(plist),
      certificates,
      ...(teamId !== undefined && { teamId }),
      ...(provisioning && { provisioning, isDebuggable: provisioning.type === 'development' }),
    },
    ...(icon && { icon }),
  }
}

function identityOf(plist: PlistDictionary): { id: string; version: string; build?: string } {
  const id = textIn(plist, 'CFBundleIdentifier')
  if (id === undefined || !/^[\w.-]+$/.test(id)) {
    const found = id === undefined ? 'none' : JSON.stringify(id.slice(0, 100))
    throw refusal(`Info.plist: expected a CFBundleIdentifier such as com.example.app, found ${found}.`)
  }
  const build = textIn(plist, 'CFBundleVersion')
  const version = textIn(plist, 'CFBundleShortVersionString') ?? build
  if (version === undefined) throw refusal('Info.plist: expected a CFBundleShortVersionString, found none.')
  return { id, version, ...(build !== undefined && { build }) }
}

function permissionsOf(plist: PlistDictionary): string[] {
  return [...plist.keys()].filter((key) => key.length <= MAX_ASKED_CHARACTERS && ASKS_FOR.test(key)).slice(0, MAX_ASKED)
}

function namesOf(plist: PlistDictionary): { name?: string; minOsVersion?: string } {
  const name = textIn(plist, 'CFBundleDisplayName') ?? textIn(plist, 'CFBundleName')
  const minOsVersion = textIn(plist, 'MinimumOSVersion')
  return { ...(name !== undefined && { name }), ...(minOsVersion !== undefined && { minOsVersion }) }
}

async function architecturesOf(zip: PackageZip, inside: string, plist: PlistDictionary): Promise<string[]> {
  const program = textIn(plist, 'CFBundleExecutable')
  const start = program === undefined ? undefined : await zip.readStart(`${inside}${program}`, MACH_O_START_BYTES)
  return start ? machOArchitectures(start) : []
}

/** The largest: its name is the beginning of several files' names, for screens of several densities. */
async function readIcon(
  zip: PackageZip,
  inside: string,
  plist: PlistDictionary,
  limits: ReadingLimits,
): Promise<Buffer | undefined> {
  const names = ['CFBundleIcons', 'CFBundleIcons~ipad'].flatMap((key) => {
    const primary = dictionaryIn(dictionaryIn(plist, key), 'CFBundlePrimaryIcon')
    return listIn(primary, 'CFBundleIconFiles') ?? []
  })
  const old = listIn(plist, 'CFBundleIconFiles') ?? []
  const starts = [...names, ...old].filter((name) => typeof name === 'string').slice(0, MAX_ICONS)
  const found = zip.paths.filter((path) => starts.some((start) => isIcon(path, `${inside}${start}`)))
  const bySize = found.sort((left, right) => zip.sizeOf(right) - zip.sizeOf(left))
  const path = bySize.find((each) => zip.sizeOf(each) <= limits.maxIconBytes)
  const bytes = path === undefined ? undefined : await zip.read(path, limits.maxIconBytes)
  return bytes && asIcon(asPlainPng(bytes, limits), limits)
}

function isIcon(path: string, start: string): boolean {
  return path.startsWith(start) && /^(@\dx)?(~\w+)?(\.png)?$/.test(path.slice(start.length)) && path.endsWith('.png')
}
