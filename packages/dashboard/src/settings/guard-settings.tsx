import { DEFAULT_GUARD, type App, type GuardDifferences } from '@hotpatch/api'
import { NumberInput, Radio, SimpleGrid, Stack, Switch } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Section } from '../ground/page.tsx'
import { SaveBar } from './save-bar.tsx'
import classes from './settings.module.css'
import { useAppChanges } from './use-app-changes.ts'

/** What guards of the app's new rollouts do otherwise than by default; those of rollouts that are there stay as they are. */
export function GuardSettings({ app }: { app: App }) {
  const { t } = useTranslation('settings')
  const { save, isReadOnly } = useAppChanges(app)
  const [changes, setChanges] = useState<GuardDifferences>({})
  const now = { ...DEFAULT_GUARD, ...app.guard, ...changes }
  const set = (change: GuardDifferences) => setChanges((before) => ({ ...before, ...change }))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate({ guard: differencesOf(now) }, { onSuccess: () => setChanges({}) })
      }}
    >
      <fieldset disabled={isReadOnly} className={classes.fields}>
        <Section title={t('guard.title')} about={t('guard.about')}>
          <Stack gap="lg">
            <Switch
              label={t('guard.isOn')}
              checked={now.isOn}
              onChange={(event) => set({ isOn: event.currentTarget.checked })}
            />
            <Radio.Group label={t('guard.action')} value={now.action} onChange={(value) => set({ action: value })}>
              <Stack gap="xs" mt={6}>
                {(['notify', 'pause', 'roll-back'] as const).map((action) => (
                  <Radio
                    key={action}
                    value={action}
                    disabled={!now.isOn}
                    label={t(`guard.actions.${action}`)}
                    description={t(`guard.actionsAbout.${action}`)}
                  />
                ))}
              </Stack>
            </Radio.Group>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <NumberInput
                label={t('guard.maxBadPercent')}
                description={t('guard.maxBadPercentAbout')}
                value={now.maxBadPercent}
                onChange={(value) => set({ maxBadPercent: Number(value) })}
                suffix=" %"
                min={0.01}
                max={100}
                decimalScale={2}
                disabled={!now.isOn}
              />
              <NumberInput
                label={t('guard.maxTimesPrevious')}
                description={t('guard.maxTimesPreviousAbout')}
                value={now.maxTimesPrevious ?? ''}
                onChange={(value) => set({ maxTimesPrevious: value === '' ? null : Number(value) })}
                suffix=" ×"
                min={1}
                max={1000}
                decimalScale={2}
                disabled={!now.isOn}
              />
              <NumberInput
                label={t('guard.minimumSample')}
                description={t('guard.minimumSampleAbout')}
                value={now.minimumSample}
                onChange={(value) => set({ minimumSample: Number(value) })}
                min={10}
                max={1_000_000}
                allowDecimal={false}
                disabled={!now.isOn}
              />
              <NumberInput
                label={t('guard.windowHours')}
                description={t('guard.windowHoursAbout')}
                value={now.windowHours}
                onChange={(value) => set({ windowHours: Number(value) })}
                suffix={t('guard.hours')}
                min={1}
                max={720}
                allowDecimal={false}
                disabled={!now.isOn}
              />
            </SimpleGrid>
            <SaveBar
              error={save.error}
              isBusy={save.isPending}
              isChanged={Object.keys(changes).length > 0}
              isReadOnly={isReadOnly}
            />
          </Stack>
        </Section>
      </fieldset>
    </form>
  )
}

/** Only what is not as by default is said: what is by default may get better with the server. */
function differencesOf(settings: typeof DEFAULT_GUARD): GuardDifferences {
  const defaults: Record<string, unknown> = { ...DEFAULT_GUARD }
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => defaults[name] !== value))
}
