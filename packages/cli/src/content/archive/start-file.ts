import { join } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import type { ContentWish } from '../content-kind.ts'
import { BUNDLE_NAMES, bundleNameOf } from './build-bundle.ts'
import { readPlainText } from '../../files/read-plain-text.ts'

/** What an archive is for its devices, by the file that they start, at its root. */
export interface StartFile {
  flavour: 'React Native bundle' | 'web bundle'
  name: string
}

/** What a browser or a web view begins with. */
export const WEB_ENTRY = 'index.html'

/**
 * Undefined on platforms of which nobody knows what they start.
 * @param names of the files at the root
 */
export async function chooseStartFile(
  { platform, entry, projectDirectory }: ContentWish,
  names: ReadonlySet<string>,
): Promise<StartFile | undefined> {
  const bundle = bundleNameOf(platform)
  if (entry !== undefined && entry !== bundle) return { flavour: 'web bundle', name: entry }
  const web: StartFile = { flavour: 'web bundle', name: WEB_ENTRY }
  if (bundle === undefined) return platform === 'web' || names.has(WEB_ENTRY) ? web : undefined
  const isWeb = entry === undefined && names.has(WEB_ENTRY) && !hasBundle(names)
  // The web build of a React Native app lies in a folder of that kind, too: its phones could not run it.
  if (isWeb && !(await isReactNative(projectDirectory))) return web
  return { flavour: 'React Native bundle', name: bundle }
}

const hasBundle = (names: ReadonlySet<string>) => Object.values(BUNDLE_NAMES).some((name) => names.has(name))

/** Undefined: the server looks for it by itself. */
export function askedEntry(start: StartFile | undefined, platform: Platform): string | undefined {
  if (start?.flavour !== 'web bundle') return undefined
  return platform === 'web' && start.name === WEB_ENTRY ? undefined : start.name
}

async function isReactNative(directory: string): Promise<boolean> {
  try {
    const json = JSON.parse(await readPlainText(join(directory, 'package.json'))) as {
      dependencies?: Record<string, unknown>
    }
    return json.dependencies?.['react-native'] !== undefined
  } catch {
    return false // no project here that says anything
  }
}
