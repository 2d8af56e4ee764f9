import { RANGE_ATTRIBUTES, RULE_ATTRIBUTES, type AttributeRule } from '@hotpatch/protocol'
import { InvalidArgumentError } from 'commander'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatRule, readRule } from './rule-readers.ts'

test.each<[string, AttributeRule]>([
  ['osVersion>=14', { attribute: 'osVersion', range: '>=14' }],
  ['osVersion >=14 <17', { attribute: 'osVersion', range: '>=14 <17' }],
  ['osVersion 14 - 16', { attribute: 'osVersion', range: '14 - 16' }],
  ['osversion = 14', { attribute: 'osVersion', range: '= 14' }],
  ['nativeVersion ^2.1 || 4.x', { attribute: 'nativeVersion', range: '^2.1 || 4.x' }],
  ['nativeVersion in 2.1.0,2.1.1', { attribute: 'nativeVersion', in: ['2.1.0', '2.1.1'] }],
  ['osVersion != 15.0', { attribute: 'osVersion', notIn: ['15.0'] }],
  ['model in Pixel 8,Pixel 9*', { attribute: 'model', in: ['Pixel 8', 'Pixel 9*'] }],
  ['model = Pixel 8', { attribute: 'model', in: ['Pixel 8'] }],
  ['model=iPhone14,3', { attribute: 'model', in: ['iPhone14,3'] }],
  [
    'model in "iPhone14,3", "iPhone15,2" , Pixel 8',
    { attribute: 'model', in: ['iPhone14,3', 'iPhone15,2', 'Pixel 8'] },
  ],
  ['model in "15"" display"', { attribute: 'model', in: ['15" display'] }],
  [' locale  NOT IN de,fr ', { attribute: 'locale', notIn: ['de', 'fr'] }],
  ['nativeBuild!=4501', { attribute: 'nativeBuild', notIn: ['4501'] }],
  ['custom.Plan = gold', { attribute: 'custom.plan', in: ['gold'] }],
  ['custom.user-group not in a,b', { attribute: 'custom.user-group', notIn: ['a', 'b'] }],
  ['runtimeVersion in exposdk:51.*', { attribute: 'runtimeVersion', in: ['exposdk:51.*'] }],
])('reads %j', (text, rule) => {
  expect(readRule(text)).toEqual([rule])
})

test.each([
  ['', 'a rule about osVersion'],
  ['battery in full', 'a rule about osVersion'],
  ['custom in full', 'custom.NAME for what the app itself tells'],
  ['custom.version >=2', 'Expected a rule such as'],
  ['>=14', 'a rule about osVersion'],
  ['osVersion', 'Expected a range of versions'],
  ['osVersion newest', 'Expected a range of versions such as ">=14 <17", found "newest"'],
  ['model', 'Expected a rule such as'],
  ['model >= 8', 'Expected a rule such as'],
  ['model Pixel 8', 'Expected a rule such as'],
  ['model in Pixel 8,', 'with "*" only at the end, found ""'],
  ['model in Pixel*Pro', 'with "*" only at the end'],
  ['model in "Pixel 8', 'Expected values such as'],
  ['model in "Pixel" 8', 'Expected values such as'],
])('refuses %j, and says why', (text, why) => {
  expect(() => readRule(text)).toThrow(InvalidArgumentError)
  expect(() => readRule(text)).toThrow(why)
})

test('a rule is one of several, up to twenty', () => {
  const first = readRule('osVersion >=14')
  expect(readRule('locale in de', first).map(({ attribute }) => attribute)).toEqual(['osVersion', 'locale'])
  const many = Array.from({ length: 20 }, () => first).flat()
  expect(() => readRule('locale in de', many)).toThrow('at most 20 items')
})

test('a rule is written as it is read', () => {
  const value = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.trim() !== '' && !text.includes('*'))
  const values = fc.array(value, { minLength: 1, maxLength: 3 })
  const rule: fc.Arbitrary<AttributeRule> = fc.oneof(
    fc.record({ attribute: fc.constantFrom(...RULE_ATTRIBUTES), in: values }),
    fc.record({ attribute: fc.constantFrom(...RULE_ATTRIBUTES), notIn: values }),
    fc.record({ attribute: fc.constantFrom(...RANGE_ATTRIBUTES), range: fc.constantFrom('>=14', '14 - 16', '=2.x') }),
  )
  fc.assert(
    fc.property(rule, (given) => {
      expect(readRule(formatRule(given))).toEqual([given])
    }),
  )
})
