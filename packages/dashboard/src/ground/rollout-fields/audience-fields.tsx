import { RANGE_ATTRIBUTES, RULE_ATTRIBUTES } from '@hotpatch/protocol'
import {
  ActionIcon,
  Autocomplete,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  Slider,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../api.ts'
import { appKey } from '../queries.ts'
import { useFigures } from '../figures.ts'
import classes from './rollout-fields.module.css'
import { readLines, type AudienceDraft, type RuleDraft, type RuleTest } from './audience-draft.ts'

interface FieldsProps {
  app: string
  value: AudienceDraft
  onChange: (value: AudienceDraft) => void
  /** Where something else says it: a plan, an A/B test. */
  hasPercentage?: boolean
}

/** Whom a rollout is for: a percentage, and who gets it besides. */
export function AudienceFields({ app, value, onChange, hasPercentage = true }: FieldsProps) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const figures = useFigures()
  const cohorts = useQuery({ queryKey: appKey(app, 'cohorts'), queryFn: () => api.listCohorts(app) })
  const change = (changes: Partial<AudienceDraft>) => onChange({ ...value, ...changes })
  const named = cohorts.data?.items ?? []
  const known = named.map(({ name, deviceCount }) => ({
    value: name,
    label: t('form.cohort', { name, count: deviceCount }),
  }))
  const missing = value.cohorts.filter((name) => named.every((each) => each.name !== name))
  const devices = readLines(value.devices)
  return (
    <Stack gap="md">
      {hasPercentage && <PercentageField value={value.percentage} onChange={(percentage) => change({ percentage })} />}
      <MultiSelect
        label={t('form.cohorts')}
        description={t('form.cohortsAbout')}
        data={[...known, ...missing.map((name) => ({ value: name, label: name }))]}
        value={value.cohorts}
        onChange={(cohorts) => change({ cohorts })}
        searchable
        nothingFoundMessage={t('form.noCohorts')}
      />
      <Textarea
        label={t('form.devices')}
        description={t('form.devicesAbout')}
        value={value.devices}
        onChange={(event) => change({ devices: event.currentTarget.value })}
        autosize
        minRows={1}
        maxRows={8}
        spellCheck={false}
      />
      {devices.length > 1 && (
        <Text size="xs" c="dimmed">
          {t('form.devicesTyped', { count: devices.length, number: figures.number(devices.length) })}
        </Text>
      )}
      <RuleFields value={value.rules} onChange={(rules) => change({ rules })} />
    </Stack>
  )
}

export function PercentageField({
  value,
  onChange,
  label,
}: {
  value: number
  onChange: (value: number) => void
  label?: string
}) {
  const { t } = useTranslation('rollouts')
  const name = label ?? t('form.percentage')
  return (
    <Group align="flex-end" gap="md" wrap="nowrap">
      <NumberInput
        label={name}
        suffix=" %"
        min={0}
        max={100}
        step={1}
        decimalScale={2}
        w={180}
        value={value}
        onChange={(typed) => typeof typed === 'number' && onChange(typed)}
      />
      <Slider
        className={classes.slider}
        thumbLabel={name}
        label={null}
        min={0}
        max={100}
        value={value}
        onChange={onChange}
        mb={8}
      />
    </Group>
  )
}

function RuleFields({ value, onChange }: { value: RuleDraft[]; onChange: (rules: RuleDraft[]) => void }) {
  const { t } = useTranslation('rollouts')
  const set = (at: number, changes: Partial<RuleDraft>) =>
    onChange(value.map((rule, index) => (index === at ? { ...rule, ...changes } : rule)))
  return (
    <fieldset className={classes.fieldset}>
      <legend>{t('form.rules')}</legend>
      <Text size="xs" c="dimmed">
        {t('form.rulesAbout')}
      </Text>
      <Stack gap="xs" mt={value.length > 0 ? 'xs' : 0}>
        {value.map((rule, index) => (
          <div key={index} className={classes.rule}>
            <Autocomplete
              aria-label={t('form.attribute')}
              placeholder={t('form.attribute')}
              data={[...RULE_ATTRIBUTES]}
              value={rule.attribute}
              onChange={(attribute) => set(index, { attribute, ...testFor(attribute, rule.test) })}
            />
            <Select
              aria-label={t('form.test')}
              data={(['range', 'in', 'notIn'] as const).map((test) => ({
                value: test,
                label: t(`form.tests.${test}`),
              }))}
              value={rule.test}
              allowDeselect={false}
              onChange={(test) => set(index, { test: test ?? 'in' })}
            />
            <TextInput
              aria-label={t('form.value')}
              placeholder={t(`form.examples.${rule.test}`)}
              value={rule.value}
              onChange={(event) => set(index, { value: event.currentTarget.value })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t('form.removeRule')}
              onClick={() => onChange(value.filter((_, other) => other !== index))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </div>
        ))}
      </Stack>
      <Button
        mt="xs"
        size="compact-sm"
        variant="default"
        leftSection={<IconPlus size={14} aria-hidden />}
        onClick={() => onChange([...value, { attribute: '', test: 'range', value: '' }])}
      >
        {t('form.addRule')}
      </Button>
    </fieldset>
  )
}

/** A range says something of versions alone. */
function testFor(attribute: string, test: RuleTest): { test?: RuleTest } {
  const isVersion = (RANGE_ATTRIBUTES as readonly string[]).includes(attribute)
  const isKnown = (RULE_ATTRIBUTES as readonly string[]).includes(attribute)
  return isKnown && !isVersion && test === 'range' ? { test: 'in' } : {}
}
