import type { Requirement } from '../requirement.ts'
import { parseNativeRange } from '../versions/native-range.ts'

/** For which binaries a release is. */
export type BinaryRange = Pick<Requirement, 'minNativeVersion' | 'nativeRange'>

/**
 * Code Push §8: what `appVersion` of a release says. A lower bound becomes the minimum: of that alone it is known that a
 * newer binary helps. Undefined when it is no version and no range.
 */
export function readBinaryRange(appVersion: string): BinaryRange | undefined {
  const range = parseNativeRange(appVersion.trim())
  if (!range) return undefined
  const [bounds = [], another] = range.alternatives
  const lower = bounds.filter(({ operator }) => operator === '>=' || operator === '=')
  const [only, second] = lower
  if (another || second || bounds.some(({ operator }) => operator === '>')) return { nativeRange: appVersion.trim() }
  const upper = bounds.flatMap(({ operator, version }) => {
    if (operator === '>=') return []
    return [`${operator === '=' ? '<=' : operator}${textOf(version)}`]
  })
  return {
    ...(only && { minNativeVersion: textOf(only.version) }),
    ...(upper.length > 0 && { nativeRange: upper.join(' ') }),
  }
}

type Version = NonNullable<ReturnType<typeof parseNativeRange>>['alternatives'][number][number]['version']

/** "Below 2" excludes pre-releases of 2 by itself. */
function textOf({ parts, prerelease, build }: Version): string {
  const isOwn = prerelease.length > 0 && !(prerelease.length === 1 && prerelease[0] === 0)
  return `${parts.join('.')}${isOwn ? `-${prerelease.join('.')}` : ''}${build === undefined ? '' : `+${build}`}`
}

/** The same the other way round. */
export function binaryRangeOf({ minNativeVersion, nativeRange }: BinaryRange): string {
  if (minNativeVersion === undefined) return nativeRange ?? '*'
  if (nativeRange === undefined) return `>=${minNativeVersion}`
  return nativeRange === `<=${minNativeVersion}` ? minNativeVersion : `>=${minNativeVersion} ${nativeRange}`
}
