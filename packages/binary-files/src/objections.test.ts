import { describe, expect, test } from 'vitest'
import { compareWithLast, compareWithTyped } from './objections.ts'
import type { Application } from '@hotpatch/api'

const application: Application = {
  id: 'com.example.app',
  version: '1.2.0',
  versionCode: 12,
  architectures: ['arm64-v8a'],
  permissions: [],
  certificates: ['a'.repeat(64)],
}

describe('against what was typed', () => {
  test.each([
    ['1.2.0', 'any'],
    ['1.2.0+12', 'arm64'],
    ['1.2', 'aarch64'],
  ])('%s for %s fits', (version, architecture) => {
    expect(compareWithTyped(application, { version, architecture })).toEqual([])
  })

  test.each([
    ['1.2.1', 'any', 'the version 1.2.1', '1.2.0'],
    ['1.2.0-beta.1', 'any', 'the version 1.2.0-beta.1', '1.2.0'],
    ['1.2.0+13', 'any', 'the build 13, as in 1.2.0+13', '12'],
    ['1.2.0', 'x86_64', 'code for x86_64', 'arm64-v8a'],
  ])('%s for %s does not', (version, architecture, expected, found) => {
    const name = 'typed-values-differ'
    expect(compareWithTyped(application, { version, architecture })).toEqual([{ name, expected, found }])
  })

  test("Apple's build is what stands behind the plus", () => {
    const { versionCode: _, ...apple } = application
    expect(compareWithTyped({ ...apple, build: '7.1' }, { version: '1.2.0+7.1', architecture: 'any' })).toEqual([])
    expect(compareWithTyped({ ...apple, build: '7' }, { version: '1.2.0+8', architecture: 'any' })).toHaveLength(1)
  })

  test('a version that is no number is compared as text', () => {
    const odd = { ...application, version: 'spring' }
    expect(compareWithTyped(odd, { version: 'spring', architecture: 'any' })).toEqual([])
    expect(compareWithTyped(odd, { version: '1.0.0', architecture: 'any' })).toHaveLength(1)
  })
})

describe('against the last release', () => {
  const names = (last: Partial<Application>, now: Partial<Application> = {}) =>
    compareWithLast({ ...application, ...now }, { ...application, ...last }).map(({ name }) => name)

  test('the same, and a higher code, fit', () => {
    expect(names({})).toEqual([])
    expect(names({ versionCode: 11 })).toEqual([])
  })

  test('a lower code, another application, another certificate', () => {
    expect(names({ versionCode: 13 })).toEqual(['lower-version-code'])
    expect(names({ id: 'com.example.other' })).toEqual(['other-application'])
    expect(names({ certificates: ['b'.repeat(64)] })).toEqual(['other-certificate'])
    expect(names({}, { certificates: [] })).toEqual(['other-certificate'])
  })

  test('a certificate that the last one vouches for fits', () => {
    expect(names({ certificates: ['b'.repeat(64)] }, { certificates: ['c'.repeat(64), 'b'.repeat(64)] })).toEqual([])
  })

  test("of Apple's the team counts, as its certificates are new every year", () => {
    const teamId = 'TEAM123456'
    expect(names({ teamId, certificates: ['b'.repeat(64)] }, { teamId })).toEqual([])
    expect(names({ teamId: 'OTHER', certificates: ['a'.repeat(64)] }, { teamId })).toEqual(['other-certificate'])
  })
})
