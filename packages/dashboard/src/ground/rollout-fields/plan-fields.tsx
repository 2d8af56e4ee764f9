import type { RolloutPlan } from '@hotpatch/api'
import { ActionIcon, Button, Chip, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import classes from './rollout-fields.module.css'

export interface StepDraft {
  percentage: number
  bakeHours: number
  minimumSample: number
}

export interface WindowDraft {
  timeZone: string
  days: string[]
  from: string
  to: string
}

export interface PlanDraft {
  steps: StepDraft[]
  windows: WindowDraft[]
}

const MAX_STEPS = 20
const MAX_WINDOWS = 14

export const USUAL_PLAN: PlanDraft = {
  steps: [
    { percentage: 1, bakeHours: 4, minimumSample: 50 },
    { percentage: 10, bakeHours: 12, minimumSample: 200 },
    { percentage: 50, bakeHours: 24, minimumSample: 0 },
    { percentage: 100, bakeHours: 0, minimumSample: 0 },
  ],
  windows: [],
}

export function readPlan({ steps, windows }: PlanDraft): RolloutPlan {
  return {
    steps: steps.map(({ percentage, bakeHours, minimumSample }) => ({
      percentage,
      bakeMinutes: bakeHours * 60,
      minimumSample,
    })),
    ...(windows.length > 0 && { windows: windows.map((each) => ({ ...each, days: each.days.map(Number) })) }),
  }
}

/** Widens it by itself, step by step. */
export function PlanFields({ value, onChange }: { value: PlanDraft; onChange: (value: PlanDraft) => void }) {
  const { t } = useTranslation('rollouts')
  const { steps, windows } = value
  const setStep = (at: number, changes: Partial<StepDraft>) =>
    onChange({ ...value, steps: steps.map((step, index) => (index === at ? { ...step, ...changes } : step)) })
  const last = steps.at(-1)
  return (
    <Stack gap="md">
      <Stack gap="xs">
        {steps.map((step, index) => (
          <div key={index} className={classes.step} role="group" aria-label={t('plan.step', { step: index + 1 })}>
            <Text c="dimmed" pb={8}>
              {index + 1}
            </Text>
            <NumberInput
              label={t('plan.percentage')}
              suffix=" %"
              min={0}
              max={100}
              decimalScale={2}
              value={step.percentage}
              onChange={(typed) => typeof typed === 'number' && setStep(index, { percentage: typed })}
            />
            <NumberInput
              label={t('plan.stays')}
              suffix=" h"
              min={0}
              max={2160}
              decimalScale={2}
              value={step.bakeHours}
              onChange={(typed) => typeof typed === 'number' && setStep(index, { bakeHours: typed })}
            />
            <NumberInput
              label={t('plan.sample')}
              min={0}
              allowDecimal={false}
              thousandSeparator
              value={step.minimumSample}
              onChange={(typed) => typeof typed === 'number' && setStep(index, { minimumSample: typed })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              disabled={steps.length === 1}
              aria-label={t('plan.removeStep', { step: index + 1 })}
              onClick={() => onChange({ ...value, steps: steps.filter((_, other) => other !== index) })}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </div>
        ))}
      </Stack>
      <Group>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={steps.length >= MAX_STEPS}
          onClick={() => onChange({ ...value, steps: [...steps, nextStep(last)] })}
        >
          {t('plan.addStep')}
        </Button>
      </Group>
      <WindowFields value={windows} onChange={(changed) => onChange({ ...value, windows: changed })} />
    </Stack>
  )
}

function nextStep(last: StepDraft | undefined): StepDraft {
  return { percentage: Math.min(100, (last?.percentage ?? 0) * 2 || 1), bakeHours: 24, minimumSample: 0 }
}

function WindowFields({ value, onChange }: { value: WindowDraft[]; onChange: (value: WindowDraft[]) => void }) {
  const { t, i18n } = useTranslation('rollouts')
  const set = (at: number, changes: Partial<WindowDraft>) =>
    onChange(value.map((each, index) => (index === at ? { ...each, ...changes } : each)))
  return (
    <fieldset className={classes.fieldset}>
      <legend>{t('plan.windows')}</legend>
      <Text size="xs" c="dimmed">
        {t('plan.windowsAbout')}
      </Text>
      <Stack gap="sm" mt={value.length > 0 ? 'xs' : 0}>
        {value.map((each, index) => (
          <div key={index} className={classes.window} role="group" aria-label={t('plan.window', { window: index + 1 })}>
            <Chip.Group multiple value={each.days} onChange={(days) => set(index, { days: days.toSorted() })}>
              <Group gap={4}>
                {weekDays(i18n.language).map((name, day) => (
                  <Chip key={name} value={String(day + 1)} size="xs">
                    {name}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
            <TextInput
              type="time"
              label={t('plan.from')}
              value={each.from}
              onChange={(event) => set(index, { from: event.currentTarget.value })}
            />
            <TextInput
              type="time"
              label={t('plan.to')}
              value={each.to}
              onChange={(event) => set(index, { to: event.currentTarget.value })}
            />
            <Select
              label={t('plan.timeZone')}
              searchable
              limit={50}
              allowDeselect={false}
              data={timeZones()}
              value={each.timeZone}
              onChange={(timeZone) => timeZone && set(index, { timeZone })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t('plan.removeWindow', { window: index + 1 })}
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
        disabled={value.length >= MAX_WINDOWS}
        onClick={() =>
          onChange([...value, { timeZone: ownTimeZone(), days: ['1', '2', '3', '4', '5'], from: '09:00', to: '17:00' }])
        }
      >
        {t('plan.addWindow')}
      </Button>
    </fieldset>
  )
}

/** From Monday. */
export function weekDays(language: string): string[] {
  const format = new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' })
  // The first of January 2024 was a Monday.
  return Array.from({ length: 7 }, (_, day) => format.format(Date.UTC(2024, 0, 1 + day)))
}

function ownTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

function timeZones(): string[] {
  return [...new Set([ownTimeZone(), 'UTC', ...Intl.supportedValuesOf('timeZone')])]
}
