import {
  MAX_ATTRIBUTE_RULES,
  MAX_RULE_VALUE_LENGTH,
  MAX_RULE_VALUES,
  RANGE_ATTRIBUTES,
  type AttributeRule,
} from '@hotpatch/protocol'
import { Type } from 'typebox'

export const MAX_FORCED_DEVICES = 10_000

/** Forced devices: they get the rollout whatever its rules and percentage say. */
export const ForcedDevices = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: MAX_FORCED_DEVICES,
  uniqueItems: true,
  description: 'Devices that get it whatever else the audience says, by their ids',
})

export const CohortNames = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
  maxItems: 100,
  uniqueItems: true,
  description: 'Cohorts that get it whatever the percentage is, if they meet the rules',
})

const RuleValues = Type.Array(Type.String({ minLength: 1, maxLength: MAX_RULE_VALUE_LENGTH }), {
  minItems: 1,
  maxItems: MAX_RULE_VALUES,
})

/** Which attributes there are, that there is exactly one test, and that a range can be read, is for `readAttributeRules` to say. */
const AttributeRuleSchema = Type.Unsafe<AttributeRule>(
  Type.Object(
    {
      attribute: Type.String({
        maxLength: 64,
        description: "Such as osVersion, model or locale; custom. with a name of the app's own for what the app tells",
      }),
      range: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 256,
          description: `Of ${RANGE_ATTRIBUTES.join(', ')}, such as ">=14 <17"`,
        }),
      ),
      in: Type.Optional(RuleValues),
      notIn: Type.Optional(RuleValues),
    },
    {
      additionalProperties: false,
      description:
        'Exactly one of range, in and notIn. Values are compared without regard to case; "*" at the end stands for ' +
        'any rest; the locale "de" also means "de-AT". What a device did not tell meets no rule.',
    },
  ),
)

/** Narrow an audience by what devices tell: all must hold. */
export const AttributeRules = Type.Array(AttributeRuleSchema, { maxItems: MAX_ATTRIBUTE_RULES })

/** The part of the fleet that an arm of a test is for. */
export const AudienceSlice = Type.Object({
  salt: Type.String(),
  from: Type.Integer({ description: 'In hundredths of a percent' }),
  to: Type.Integer({ description: 'In hundredths of a percent, exclusive' }),
})
