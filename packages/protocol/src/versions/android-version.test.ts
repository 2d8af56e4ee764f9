import { expect, test } from 'vitest'
import { androidVersion } from './android-version.ts'

test.each([
  ['21', '5.0'],
  ['28', '9'],
  ['32', '12'],
  ['33', '13'],
  ['35', '15'],
  // Before 21, and what is no level, stays as it is.
  ['19', '19'],
  ['15.1', '15.1'],
  ['toString', 'toString'],
])('the API level %s is of Android %s', (level, version) => {
  expect(androidVersion(level)).toBe(version)
})
