import { PluginError } from './plugin-error.ts'

/** By its full name: no import has to find its place. */
const CALL = 'dev.hotpatch.reactnative.HotPatch.bundleFile(applicationContext)'
const HOST = /object\s*:\s*DefaultReactNativeHost\s*\([^)]*\)\s*\{[^\S\n]*\n/
const REACT_HOST = /\bgetDefaultReactHost\s*\(/

/**
 * MainApplication asks HotPatch which bundle to start: an override in a ReactNativeHost (Expo 53 and 54, React Native up to
 * 0.81), an argument of getDefaultReactHost where there is none (later ones). Once is as good as twice.
 *
 * @throws PluginError when neither is there, or the app chooses its bundle itself
 */
export function editMainApplication({ language, contents }: { language: string; contents: string }): string {
  if (language !== 'kt') {
    throw new PluginError(
      `expected MainApplication.kt, in Kotlin, found one in ${language}. Say in it by hand: ${BY_HAND}`,
    )
  }
  if (contents.includes(CALL)) return contents
  const taken = /\bgetJSBundleFile\b|\bjsBundleFilePath\b/.exec(contents)
  if (taken) {
    throw new PluginError(
      `MainApplication.kt says ${taken[0]} already, so something else chooses the bundle. ` +
        'Remove the plugin that has written it, or the line.',
    )
  }
  const host = HOST.exec(contents)
  if (host) return insertOverride(contents, host.index + host[0].length)
  const reactHost = REACT_HOST.exec(contents)
  if (reactHost) return appendArgument(contents, reactHost.index + reactHost[0].length)
  throw new PluginError(
    'expected "object : DefaultReactNativeHost(this) {" or "getDefaultReactHost(" in MainApplication.kt, found neither. ' +
      `Say in it by hand: ${BY_HAND}`,
  )
}

const BY_HAND = `jsBundleFilePath = ${CALL}, of getDefaultReactHost; or override fun getJSBundleFile(): String? = ${CALL}, of the ReactNativeHost.`

function insertOverride(contents: string, at: number): string {
  const [indent = ''] = /^[^\S\n]*/.exec(contents.slice(at)) ?? []
  const line = `${indent}override fun getJSBundleFile(): String? = ${CALL}\n\n`
  return contents.slice(0, at) + line + contents.slice(at)
}

/** The last one: what comes before may have no names, and what has no name cannot follow one that has. */
function appendArgument(contents: string, open: number): string {
  const close = closingParenthesis(contents, open)
  const before = contents.slice(0, close).trimEnd()
  const space = contents.slice(before.length, close)
  const comma = before.endsWith(',') || before.endsWith('(') ? '' : ','
  const separator = space.includes('\n') ? `\n${argumentIndent(contents, open)}` : ' '
  return `${before}${comma}${separator}jsBundleFilePath = ${CALL}${space}${contents.slice(close)}`
}

/** That of the first argument, where it has a line of its own. */
function argumentIndent(contents: string, open: number): string {
  return /^[^\S\n]*\n([^\S\n]*)\S/.exec(contents.slice(open))?.[1] ?? '      '
}

const SKIPPED = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|[()]/g

function closingParenthesis(contents: string, open: number): number {
  let depth = 1
  for (const { 0: found, index } of contents.slice(open).matchAll(SKIPPED)) {
    if (found === '(') depth += 1
    if (found === ')') depth -= 1
    if (depth === 0) return open + index
  }
  throw new PluginError('expected the call of getDefaultReactHost in MainApplication.kt to end, found no ")" for it.')
}
