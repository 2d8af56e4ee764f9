import type { App } from '@hotpatch/api'
import { Accordion, NumberInput, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Plan } from './plan.ts'
import classes from './publish.module.css'

/** Whom it goes to, and how. */
export function PlanForm({
  app,
  channels,
  plan,
  onChange,
}: {
  app: App
  channels: readonly string[]
  plan: Plan
  onChange: (changes: Partial<Plan>) => void
}) {
  const { t } = useTranslation('publish')
  const { t: tr } = useTranslation('releases')
  const platforms = [...app.platforms, ...(app.platforms.length > 1 ? (['any'] as const) : [])]
  return (
    <Stack gap="md">
      <div className={classes.pair}>
        <TextInput
          label={t('plan.version')}
          description={t('plan.versionAbout')}
          placeholder="1.2.0"
          required
          maxLength={50}
          value={plan.version}
          onChange={(event) => onChange({ version: event.currentTarget.value })}
        />
        <Select
          label={tr('platform')}
          description={t('plan.platformAbout')}
          required
          allowDeselect={false}
          data={platforms.map((value) => ({ value, label: tr(`platforms.${value}`) }))}
          value={plan.platform === '' ? null : plan.platform}
          onChange={(platform) => onChange({ platform: platform ?? '' })}
        />
      </div>
      <div className={classes.pair}>
        <Select
          label={tr('channel')}
          description={t('plan.channelAbout')}
          required
          allowDeselect={false}
          searchable
          data={[...channels]}
          value={plan.channel}
          onChange={(channel) => onChange({ channel: channel ?? 'production' })}
        />
        <NumberInput
          label={tr('percentage')}
          description={t('plan.percentageAbout')}
          suffix=" %"
          min={0}
          max={100}
          decimalScale={2}
          clampBehavior="strict"
          value={plan.percentage}
          onChange={(value) => onChange({ percentage: Number(value) })}
        />
      </div>
      <Textarea
        label={tr('notes')}
        description={t('plan.notesAbout')}
        autosize
        minRows={3}
        maxRows={12}
        maxLength={10_000}
        value={plan.notes}
        onChange={(event) => onChange({ notes: event.currentTarget.value })}
      />
      <Switch
        label={tr('mandatory')}
        description={t('plan.mandatoryAbout')}
        checked={plan.mandatory}
        onChange={(event) => onChange({ mandatory: event.currentTarget.checked })}
      />
      <More plan={plan} onChange={onChange} />
    </Stack>
  )
}

const REQUIREMENTS = ['runtimeVersion', 'minNativeVersion', 'nativeRange', 'minOsVersion'] as const

function More({ plan, onChange }: { plan: Plan; onChange: (changes: Partial<Plan>) => void }) {
  const { t } = useTranslation('publish')
  const { t: tr } = useTranslation('releases')
  return (
    <Accordion variant="contained">
      <Accordion.Item value="when">
        <Accordion.Control>{t('plan.when')}</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="md">
            <TextInput
              type="datetime-local"
              label={t('plan.startsAt')}
              description={t('plan.startsAtAbout')}
              value={plan.startsAt}
              onChange={(event) => onChange({ startsAt: event.currentTarget.value })}
            />
            <Switch
              label={t('plan.paused')}
              description={t('plan.pausedAbout')}
              checked={plan.isPaused}
              onChange={(event) => onChange({ isPaused: event.currentTarget.checked })}
            />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
      <Accordion.Item value="requirement">
        <Accordion.Control>{tr('requirement.title')}</Accordion.Control>
        <Accordion.Panel>
          <div className={classes.pair}>
            {REQUIREMENTS.map((name) => (
              <TextInput
                key={name}
                label={tr(`requirement.${name}`)}
                description={t(`plan.requirement.${name}`)}
                maxLength={name === 'nativeRange' ? 256 : name === 'runtimeVersion' ? 128 : 64}
                value={plan[name]}
                onChange={(event) => onChange({ [name]: event.currentTarget.value })}
              />
            ))}
          </div>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}
