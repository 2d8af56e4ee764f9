import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileRules, meetsRules, readAttributeRules, RULE_ATTRIBUTES, type AttributeRule } from './attribute-rules.ts'
import { isCustomAttribute, type DeviceAttributes } from './device-attributes.ts'
import type { Device } from './device.ts'
import { UnexpectedJsonError } from './json-reader.ts'

type Told = DeviceAttributes & Pick<Device, 'nativeVersion' | 'runtimeVersion'>

const vectors = JSON.parse(readFileSync(new URL('../../../vectors/attribute-rules.json', import.meta.url), 'utf8')) as {
  cases: { comment: string; rules: unknown; told: Told; meets: boolean }[]
  refused: { comment: string; rules: unknown; pointer: string }[]
}

function doesMeet(rules: readonly AttributeRule[], told: Told): boolean {
  const { nativeVersion, runtimeVersion, ...attributes } = told
  const device: Device = {
    id: 'device-1',
    nativeVersion,
    runtimeVersion,
    currentReleaseId: null,
    failedReleaseIds: [],
    cohorts: [],
    attributes,
  }
  return meetsRules(compileRules(rules), device, new Map())
}

function errorOf(read: () => unknown): unknown {
  try {
    read()
  } catch (error) {
    return error
  }
  return undefined
}

describe('vectors', () => {
  test.each(vectors.cases)('$comment', ({ rules, told, meets }) => {
    expect(doesMeet(readAttributeRules(rules), told)).toBe(meets)
  })

  test.each(vectors.refused)('refused: $comment', ({ rules, pointer }) => {
    const error = errorOf(() => readAttributeRules(rules, '/rules'))
    expect(error).toBeInstanceOf(UnexpectedJsonError)
    expect(error).toMatchObject({ pointer: `/rules${pointer}`, message: expect.stringMatching(/expected .+, found /) })
  })

  test.each(vectors.refused.filter(({ pointer }) => pointer.startsWith('/')))(
    'in a catalog nobody meets it: $comment',
    ({ rules }) => {
      const told = {
        osVersion: '14',
        nativeVersion: '14',
        nativeBuild: '8',
        runtimeVersion: 'a',
        model: 'a',
        locale: 'a',
      }
      expect(doesMeet(rules as AttributeRule[], told)).toBe(false)
    },
  )

  test('every attribute and every test has its vectors', () => {
    const asked = vectors.cases.flatMap(({ rules }) => readAttributeRules(rules))
    const names = asked.map(({ attribute }) => (isCustomAttribute(attribute) ? 'custom' : attribute))
    expect(new Set(names)).toEqual(new Set([...RULE_ATTRIBUTES, 'custom']))
    expect(asked.some((rule) => 'range' in rule && rule.attribute === 'nativeVersion')).toBe(true)
  })
})

const value = fc.stringMatching(/^[a-cA-C1-3._-]{1,4}$/)

test('a device that told a value meets exactly one of `in` and `notIn`', () => {
  const star = fc.boolean()
  const values = fc.array(
    fc.tuple(value, star).map(([text, isStarred]) => (isStarred ? `${text}*` : text)),
    { minLength: 1, maxLength: 4 },
  )
  fc.assert(
    fc.property(fc.constantFrom(...RULE_ATTRIBUTES), values, value, (attribute, rules, told) => {
      const isIn = doesMeet([{ attribute, in: rules }], { [attribute]: told })
      expect(doesMeet([{ attribute, notIn: rules }], { [attribute]: told })).toBe(!isIn)
      expect(doesMeet([{ attribute, in: [...rules, told] }], { [attribute]: told })).toBe(true)
      expect(doesMeet([{ attribute, in: [told.toUpperCase()] }], { [attribute]: told.toLowerCase() })).toBe(true)
    }),
  )
})

test('what is read is what is met, and reading it again changes nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (json) => {
      const error = errorOf(() => readAttributeRules(json))
      if (error) expect(error).toBeInstanceOf(UnexpectedJsonError)
      else expect(readAttributeRules(json)).toEqual(json)
    }),
  )
})

test('the arrays that most rollouts share', () => {
  expect(compileRules([])).toBe(compileRules([]))
})
