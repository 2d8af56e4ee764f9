import { DEFAULT_GUARD, type GuardDifferences, type GuardSettings } from '@hotpatch/api'
import { NumberInput, Select, SimpleGrid, Stack, Switch } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export const GUARD_ACTIONS = ['notify', 'pause', 'roll-back'] as const

/** What the server does by default, and what the app has otherwise. */
export function usualGuard(app: { guard: GuardDifferences } | undefined): GuardSettings {
  return { ...DEFAULT_GUARD, ...app?.guard }
}

/** How a rollout is judged. */
export function GuardFields({ value, onChange }: { value: GuardSettings; onChange: (value: GuardSettings) => void }) {
  const { t } = useTranslation('rollouts')
  const change = (changes: Partial<GuardSettings>) => onChange({ ...value, ...changes })
  return (
    <Stack gap="md">
      <Switch
        label={t('guard.isOn')}
        checked={value.isOn}
        onChange={(event) => change({ isOn: event.currentTarget.checked })}
      />
      {value.isOn && (
        <SimpleGrid cols={{ base: 1, xs: 2 }} verticalSpacing="sm">
          <Select
            label={t('guard.action')}
            data={GUARD_ACTIONS.map((action) => ({ value: action, label: t(`guard.actions.${action}`) }))}
            value={value.action}
            allowDeselect={false}
            onChange={(action) => action && change({ action })}
          />
          <NumberInput
            label={t('guard.maxBad')}
            suffix=" %"
            min={0.01}
            max={100}
            decimalScale={2}
            value={value.maxBadPercent}
            onChange={(typed) => typeof typed === 'number' && change({ maxBadPercent: typed })}
          />
          <NumberInput
            label={t('guard.minimum')}
            min={10}
            max={1_000_000}
            allowDecimal={false}
            thousandSeparator
            value={value.minimumSample}
            onChange={(typed) => typeof typed === 'number' && change({ minimumSample: typed })}
          />
          <NumberInput
            label={t('guard.window')}
            suffix=" h"
            min={1}
            max={720}
            allowDecimal={false}
            value={value.windowHours}
            onChange={(typed) => typeof typed === 'number' && change({ windowHours: typed })}
          />
          <NumberInput
            label={t('guard.maxTimes')}
            description={t('guard.maxTimesAbout')}
            suffix=" ×"
            min={1}
            max={1000}
            decimalScale={2}
            value={value.maxTimesPrevious ?? ''}
            onChange={(typed) => change({ maxTimesPrevious: typeof typed === 'number' ? typed : null })}
          />
        </SimpleGrid>
      )}
    </Stack>
  )
}
