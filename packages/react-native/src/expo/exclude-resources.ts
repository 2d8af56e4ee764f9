import type { GradleProperty } from 'expo/config-plugins.js'

/** The app's build.gradle, as Expo writes it, leaves out of the app what this names, between commas. */
const NAME = 'android.packagingOptions.excludes'
/** Bouncy Castle's tables for algorithms that nothing here uses: 1.2 MB, which R8 takes for somebody else's. */
const TABLES = 'org/bouncycastle/pqc/**'

/** Once is as good as twice, and what an app leaves out by itself stays left out. */
export function excludeResources(properties: readonly GradleProperty[]): GradleProperty[] {
  // Of lines with the same name Gradle goes by the last.
  const at = properties.findLastIndex((item) => item.type === 'property' && item.key === NAME)
  const found = properties[at]
  if (found?.type !== 'property') return [...properties, { type: 'property', key: NAME, value: TABLES }]
  const excluded = found.value.split(',').map((each) => each.trim())
  if (excluded.includes(TABLES)) return [...properties]
  const value = [...excluded.filter((each) => each !== ''), TABLES].join(',')
  return properties.with(at, { ...found, value })
}
