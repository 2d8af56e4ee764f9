import {
  findRuleAttribute,
  RANGE_ATTRIBUTES,
  readAttributeRules,
  RULE_ATTRIBUTES,
  UnexpectedJsonError,
  type AttributeRule,
  type RuleAttribute,
} from '@hotpatch/protocol'
import { InvalidArgumentError } from 'commander'

const FORMS = '"osVersion >=14 <17", "model in Pixel 8*,Pixel 9", "locale not in de,fr" or "nativeBuild = 4501"'

/** An option that may be given again: a rule about what devices tell, such as "osVersion >=14". All must hold. */
export function readRule(text: string, before: readonly AttributeRule[] = []): AttributeRule[] {
  const [, name = '', rest = ''] = /^\s*([A-Za-z]+(?:\.[\w.-]+)?)\s*(.*?)\s*$/.exec(text) ?? []
  const attribute = findRuleAttribute(name)
  if (!attribute) {
    const known = `${RULE_ATTRIBUTES.join(', ')}, or custom.NAME for what the app itself tells`
    throw new InvalidArgumentError(`Expected a rule about ${known}, such as ${FORMS}.`)
  }
  return asRules([...before, ruleOf(attribute, rest)])
}

/** Of what follows the attribute; whether it is a rule is for `readAttributeRules` to say. */
function ruleOf(attribute: RuleAttribute, rest: string): object {
  const list = /^(not\s+)?in\s+(?<values>.+)$/i.exec(rest)
  if (list) return { attribute, [list[1] ? 'notIn' : 'in']: readValues(list.groups?.values ?? '') }
  const unequal = /^!=\s*(?<value>.+)$/.exec(rest)
  if (unequal) return { attribute, notIn: [unequal.groups?.value] }
  if (RANGE_ATTRIBUTES.some((each) => each === attribute)) return { attribute, range: rest }
  const equal = /^=\s*(?<value>.+)$/.exec(rest)
  if (equal) return { attribute, in: [equal.groups?.value] }
  throw new InvalidArgumentError(`Expected a rule such as ${FORMS}, found "${attribute} ${rest}".`)
}

/** Separated by commas; one that has a comma itself, as Apple's models do, stands in double quotes. */
function readValues(text: string): string[] {
  const values: string[] = []
  const part = /\s*(?:"(?<quoted>(?:[^"]|"")*)"|(?<plain>[^",]*))\s*(?<end>,|$)/y
  for (let found = part.exec(text); found; found = part.exec(text)) {
    const { quoted, plain = '', end } = found.groups ?? {}
    values.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'))
    if (end !== ',') return values
  }
  throw new InvalidArgumentError(`Expected values such as Pixel 8*,"iPhone14,3", found "${text}".`)
}

function asRules(rules: object[]): AttributeRule[] {
  try {
    return readAttributeRules(rules)
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    const message = cause.message.replace(/^\S*: e/, 'E')
    throw new InvalidArgumentError(`${message}. A rule is such as ${FORMS}.`)
  }
}

/** As `readRule` takes it. */
export function formatRule(rule: AttributeRule): string {
  if ('range' in rule) return `${rule.attribute} ${rule.range}`
  const [test, values] = 'in' in rule ? ['in', rule.in] : ['not in', rule.notIn]
  return `${rule.attribute} ${test} ${values.map(formatRuleValue).join(',')}`
}

function formatRuleValue(value: string): string {
  return /[",]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
