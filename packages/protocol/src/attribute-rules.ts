import { attributeKind, DEVICE_ATTRIBUTE_NAMES, isCustomAttribute, type CustomAttribute } from './device-attributes.ts'
import type { Device } from './device.ts'
import { readArray, readObject, readString, UnexpectedJsonError } from './json-reader.ts'
import { isInNativeRange, parseNativeRange, type NativeRange } from './versions/native-range.ts'
import { parseNativeVersion, type NativeVersion } from './versions/native-version.ts'

/** What a device tells of itself that a rule may ask for. */
export const RULE_ATTRIBUTES = [...DEVICE_ATTRIBUTE_NAMES, 'nativeVersion', 'runtimeVersion'] as const
type KnownAttribute = (typeof RULE_ATTRIBUTES)[number]
export type RuleAttribute = KnownAttribute | CustomAttribute

/** @param name as people write it: custom ones are in lower case */
export function findRuleAttribute(name: string): RuleAttribute | undefined {
  const folded = name.toLowerCase()
  if (isCustomAttribute(folded)) return folded
  return RULE_ATTRIBUTES.find((each) => each.toLowerCase() === folded)
}

/** Those of them that are versions, so that a range says something of them. */
export const RANGE_ATTRIBUTES: readonly KnownAttribute[] = RULE_ATTRIBUTES.filter(isVersion)

function isVersion(attribute: KnownAttribute): boolean {
  if (attribute === 'nativeVersion' || attribute === 'runtimeVersion') return attribute === 'nativeVersion'
  return attributeKind(attribute).isVersion === true
}

/**
 * Decision §11: narrows a rollout's audience by what devices tell; data, never code. Values are compared without
 * regard to case, a `*` at the end stands for any rest, and the locale `de` also means `de-AT`.
 * What a device did not tell meets no rule, `notIn` included.
 */
export type AttributeRule =
  | { attribute: RuleAttribute; range: string }
  | { attribute: RuleAttribute; in: readonly string[] }
  | { attribute: RuleAttribute; notIn: readonly string[] }

export const MAX_ATTRIBUTE_RULES = 20
export const MAX_RULE_VALUES = 100
export const MAX_RULE_VALUE_LENGTH = 200

/** A rule whose range and values were parsed once, when its catalog was compiled. */
export type CompiledRule =
  | { kind: 'range'; attribute: RuleAttribute; range: NativeRange }
  | { kind: 'in' | 'not-in'; attribute: RuleAttribute; values: ReadonlySet<string>; prefixes: readonly string[] }
  | { kind: 'unreadable' }

/** One attribute as a device told it, prepared when the first rule asks for it. */
interface ToldValue {
  /** As rules compare it. */
  text: string
  /** Undefined when it is no version. */
  version: NativeVersion | undefined
}

/** What one device told, for as long as one check is judged. */
export type ToldAttributes = Map<RuleAttribute, ToldValue | null>

const NO_RULES: readonly CompiledRule[] = []

/**
 * @param json an array of rules, such as `[{ "attribute": "osVersion", "range": ">=14" }]`
 * @param pointer where the array is, for the message of the error
 * @throws UnexpectedJsonError that points at what is not a rule
 */
export function readAttributeRules(json: unknown, pointer = ''): AttributeRule[] {
  return readArray(json, pointer, MAX_ATTRIBUTE_RULES).map((rule, index) => readRule(rule, `${pointer}/${index}`))
}

function readRule(json: unknown, pointer: string): AttributeRule {
  const rule = readObject(json, pointer)
  const attribute = readAttribute(rule.attribute)
  if (!attribute) {
    const expected = `one of ${RULE_ATTRIBUTES.join(', ')}, or custom. with a name of the app's own`
    throw new UnexpectedJsonError(`${pointer}/attribute`, expected, rule.attribute)
  }
  const tests = Object.keys(rule).filter((key) => key !== 'attribute')
  const [test] = tests
  if (tests.length !== 1 || (test !== 'range' && test !== 'in' && test !== 'notIn')) {
    throw new UnexpectedJsonError(pointer, 'exactly one of range, in and notIn', tests.join(', ') || undefined)
  }
  if (test === 'in') return { attribute, in: readValues(rule.in, `${pointer}/in`) }
  if (test === 'notIn') return { attribute, notIn: readValues(rule.notIn, `${pointer}/notIn`) }
  const ranged = RANGE_ATTRIBUTES.find((each) => each === attribute)
  if (!ranged) {
    throw new UnexpectedJsonError(`${pointer}/attribute`, `${RANGE_ATTRIBUTES.join(' or ')} with a range`, attribute)
  }
  return { attribute: ranged, range: readRange(rule.range, `${pointer}/range`) }
}

function readAttribute(json: unknown): RuleAttribute | undefined {
  if (typeof json === 'string' && isCustomAttribute(json)) return json
  return RULE_ATTRIBUTES.find((each) => each === json)
}

function readRange(json: unknown, pointer: string): string {
  const expected = 'a range of versions such as ">=14 <17"'
  const range = readString(json, pointer, { expected })
  if (range.trim() === '' || !parseNativeRange(range)) throw new UnexpectedJsonError(pointer, expected, range)
  return range
}

function readValues(json: unknown, pointer: string): string[] {
  const values = readArray(json, pointer, MAX_RULE_VALUES).map((value, index) =>
    readValue(value, `${pointer}/${index}`),
  )
  if (values.length === 0) throw new UnexpectedJsonError(pointer, 'at least one value', json)
  return values
}

function readValue(json: unknown, pointer: string): string {
  const expected = `1 to ${MAX_RULE_VALUE_LENGTH} characters of text, with "*" only at the end`
  const value = readString(json, pointer, { expected })
  const star = value.indexOf('*')
  const isStarred = star !== -1 && star !== value.length - 1
  if (value.trim() === '' || value.length > MAX_RULE_VALUE_LENGTH || isStarred) {
    throw new UnexpectedJsonError(pointer, expected, value)
  }
  return value
}

/** Never throws: a rule that cannot be read is one that nobody meets. */
export function compileRules(rules: readonly AttributeRule[]): readonly CompiledRule[] {
  return rules.length === 0 ? NO_RULES : rules.map(compileRule)
}

function compileRule(json: AttributeRule): CompiledRule {
  try {
    const rule = readRule(json, '')
    const { attribute } = rule
    if ('in' in rule) return { kind: 'in', attribute, ...compileValues(attribute, rule.in) }
    if ('notIn' in rule) return { kind: 'not-in', attribute, ...compileValues(attribute, rule.notIn) }
    const range = parseNativeRange(rule.range)
    return range ? { kind: 'range', attribute, range } : { kind: 'unreadable' }
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return { kind: 'unreadable' }
    throw error
  }
}

function compileValues(attribute: RuleAttribute, values: readonly string[]) {
  const comparable = values.map((value) => comparableText(attribute, value))
  const prefixes = comparable.flatMap((value) => {
    if (value.endsWith('*')) return [value.slice(0, -1)]
    return attribute === 'locale' ? [`${value}-`] : []
  })
  return { values: new Set(comparable), prefixes }
}

/** Locales come as de-AT from some systems and as de_AT from others. */
function comparableText(attribute: RuleAttribute, value: string): string {
  const text = value.trim().toLowerCase()
  return attribute === 'locale' ? text.replaceAll('_', '-') : text
}

/** Decision §11: whether the device meets every rule. */
export function meetsRules(rules: readonly CompiledRule[], device: Device, told: ToldAttributes): boolean {
  return rules.every((rule) => {
    if (rule.kind === 'unreadable') return false
    const { attribute } = rule
    let value = told.get(attribute)
    if (value === undefined) {
      value = prepare(attribute, toldBy(device, attribute))
      told.set(attribute, value)
    }
    return value !== null && meets(rule, value)
  })
}

function meets(rule: Exclude<CompiledRule, { kind: 'unreadable' }>, { text, version }: ToldValue): boolean {
  if (rule.kind === 'range') return version !== undefined && isInNativeRange(version, rule.range)
  const isOne = rule.values.has(text) || rule.prefixes.some((prefix) => text.startsWith(prefix))
  return isOne === (rule.kind === 'in')
}

function prepare(attribute: RuleAttribute, value: string | undefined): ToldValue | null {
  const text = value === undefined ? '' : comparableText(attribute, value)
  if (value === undefined || text === '') return null
  const isVersion = RANGE_ATTRIBUTES.some((each) => each === attribute)
  return { text, version: isVersion ? parseNativeVersion(value) : undefined }
}

function toldBy(device: Device, attribute: RuleAttribute): string | undefined {
  if (attribute === 'nativeVersion' || attribute === 'runtimeVersion') return device[attribute]
  return device.attributes?.[attribute]
}
