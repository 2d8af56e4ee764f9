import { PluginError } from './plugin-error.ts'

const EMBEDDED = /Bundle\.main\.url\(\s*forResource:\s*"main",\s*withExtension:\s*"jsbundle"\s*\)/g
const IMPORT = /^[^\S\n]*(?:(?:public|package|internal|fileprivate|private|@\w+)\s+)*import\s+\w+[^\n]*\n/gm
const CALL = 'HotPatch.bundleURL()'

/**
 * AppDelegate asks HotPatch which bundle to start, and takes the embedded one when there is none. Once is as good as twice.
 *
 * @throws PluginError when it is not in Swift, or does not name the embedded bundle exactly once
 */
export function editAppDelegate({ language, contents }: { language: string; contents: string }): string {
  if (language !== 'swift') {
    throw new PluginError(`expected AppDelegate.swift, found one in ${language}. Expo 53 and newer have it in Swift.`)
  }
  if (contents.includes(CALL)) return contents
  const found = [...contents.matchAll(EMBEDDED)].length
  if (found !== 1) {
    throw new PluginError(
      'expected Bundle.main.url(forResource: "main", withExtension: "jsbundle") once in AppDelegate.swift, ' +
        `found it ${found} times. Say by hand where the bundle is chosen: ${CALL} ?? the embedded one.`,
    )
  }
  return addImport(contents.replace(EMBEDDED, (embedded) => `${CALL} ?? ${embedded}`))
}

function addImport(contents: string): string {
  const last = [...contents.matchAll(IMPORT)].at(-1)
  if (!last) throw new PluginError('expected an import in AppDelegate.swift, found none.')
  const at = last.index + last[0].length
  return `${contents.slice(0, at)}import HotPatch\n${contents.slice(at)}`
}
