import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseNativeVersion, type Platform } from '@hotpatch/protocol'
import { readPlainText } from '../files/read-plain-text.ts'

/** What a project says of its own app binary, and where. */
export interface ProjectNative {
  version: string
  source: string
}

const MAX_FILE_CHARACTERS = 4_000_000

/**
 * The version of the native app that this source tree builds. Only where it stands plainly: a version that a build script
 * computes is not guessed.
 */
export async function readProjectNative(directory: string, platform: Platform): Promise<ProjectNative | undefined> {
  const fromExpo = await readExpoConfig(directory, platform)
  if (fromExpo) return fromExpo
  if (platform === 'android') return readGradle(directory)
  if (platform === 'ios') return readXcode(directory)
  return undefined
}

/** Expo's app.json. Its runtime version is left alone: whether devices of the app tell one, nobody here knows. */
async function readExpoConfig(directory: string, platform: Platform): Promise<ProjectNative | undefined> {
  const text = await readText(join(directory, 'app.json'))
  const expo = (parse(text) as { expo?: Record<string, unknown> } | undefined)?.expo
  if (!isObject(expo)) return undefined
  const own = isObject(expo[platform]) ? expo[platform] : {}
  return versionIn(own.version ?? expo.version, 'version in app.json')
}

async function readGradle(directory: string): Promise<ProjectNative | undefined> {
  for (const name of ['build.gradle', 'build.gradle.kts']) {
    const text = withoutComments(await readText(join(directory, 'android', 'app', name)))
    const versions = new Set(
      [...text.matchAll(/\bversionName\s*=?\s*(["'])([^"'$\n]+)\1/g)].map(([, , found]) => found),
    )
    // Flavours with versions of their own: which one is meant, nobody says.
    if (versions.size === 1) return versionIn([...versions][0], `versionName in android/app/${name}`)
  }
  return undefined
}

async function readXcode(directory: string): Promise<ProjectNative | undefined> {
  // Capacitor's template has it a folder further down.
  return (await readXcodeIn(directory, 'ios')) ?? readXcodeIn(directory, 'ios/App')
}

async function readXcodeIn(directory: string, folder: string): Promise<ProjectNative | undefined> {
  const names = await readdir(join(directory, folder)).catch(() => [])
  for (const name of names.filter((each) => each.endsWith('.xcodeproj')).sort()) {
    const text = await readText(join(directory, folder, name, 'project.pbxproj'))
    const versions = new Set([...text.matchAll(/\bMARKETING_VERSION = "?([^";\n]+)"?;/g)].map(([, found]) => found))
    if (versions.size === 1)
      return versionIn([...versions][0], `MARKETING_VERSION in ${folder}/${name}/project.pbxproj`)
    if (versions.size > 1) return undefined
    const app = name.slice(0, -'.xcodeproj'.length)
    const plist = await readText(join(directory, folder, app, 'Info.plist'))
    const found = /<key>CFBundleShortVersionString<\/key>\s*<string>([^<]+)<\/string>/.exec(plist)?.[1]
    const version = versionIn(found, `CFBundleShortVersionString in ${folder}/${app}/Info.plist`)
    if (version) return version
  }
  return undefined
}

function versionIn(value: unknown, source: string): ProjectNative | undefined {
  if (typeof value !== 'string' || !parseNativeVersion(value)) return undefined
  return { version: value.trim(), source }
}

function withoutComments(gradle: string): string {
  return gradle.replace(/\/\*[^]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

async function readText(path: string): Promise<string> {
  const text = await readPlainText(path).catch(() => '') // not there, or not for us: then it says nothing
  return text.length > MAX_FILE_CHARACTERS ? '' : text
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined // the build says better what is wrong with it
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
