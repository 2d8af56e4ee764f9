import type { App } from '@hotpatch/api'
import { NumberInput, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Section } from '../ground/page.tsx'
import { SaveBar } from './save-bar.tsx'
import classes from './settings.module.css'
import { useAppChanges } from './use-app-changes.ts'

const LONGEST_DAYS = 3650

export function RetentionSettings({ app }: { app: App }) {
  const { t } = useTranslation('settings')
  const { save, isReadOnly } = useAppChanges(app)
  const [events, setEvents] = useState<string | number>(app.eventRetentionDays)
  const [devices, setDevices] = useState<string | number>(app.deviceRetentionDays)
  const [archived, setArchived] = useState<string | number>(app.archivedRetentionDays ?? '')
  const isChanged =
    events !== app.eventRetentionDays ||
    devices !== app.deviceRetentionDays ||
    archived !== (app.archivedRetentionDays ?? '')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate({
          eventRetentionDays: Number(events),
          deviceRetentionDays: Number(devices),
          archivedRetentionDays: archived === '' ? null : Number(archived),
        })
      }}
    >
      <fieldset disabled={isReadOnly} className={classes.fields}>
        <Section title={t('retention.title')} about={t('retention.about')}>
          <Stack gap="lg">
            <NumberInput
              label={t('retention.events')}
              description={t('retention.eventsAbout')}
              suffix={t('retention.days')}
              value={events}
              onChange={setEvents}
              min={1}
              max={LONGEST_DAYS}
              allowDecimal={false}
              required
            />
            <NumberInput
              label={t('retention.devices')}
              description={t('retention.devicesAbout')}
              suffix={t('retention.days')}
              value={devices}
              onChange={setDevices}
              min={1}
              max={LONGEST_DAYS}
              allowDecimal={false}
              required
            />
            <NumberInput
              label={t('retention.archived')}
              description={t('retention.archivedAbout')}
              suffix={t('retention.days')}
              value={archived}
              onChange={setArchived}
              min={1}
              max={LONGEST_DAYS}
              allowDecimal={false}
            />
            <SaveBar error={save.error} isBusy={save.isPending} isChanged={isChanged} isReadOnly={isReadOnly} />
          </Stack>
        </Section>
      </fieldset>
    </form>
  )
}
