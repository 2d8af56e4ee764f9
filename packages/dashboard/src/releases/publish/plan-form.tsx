import type { App } from '@hotpatch/api'
import { Accordion, SegmentedControl, Select, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { AudienceFields, PercentageField } from '../../ground/rollout-fields/audience-fields.tsx'
import { GuardFields, usualGuard } from '../../ground/rollout-fields/guard-fields.tsx'
import { PlanFields, USUAL_PLAN } from '../../ground/rollout-fields/plan-fields.tsx'
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
      <Share plan={plan} onChange={onChange} />
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
      <More app={app} plan={plan} onChange={onChange} />
    </Stack>
  )
}

/** At once as many, or more and more by itself. */
function Share({ plan: { steps, audience }, onChange }: { plan: Plan; onChange: (changes: Partial<Plan>) => void }) {
  const { t } = useTranslation('rollouts')
  return (
    <>
      <SegmentedControl
        aria-label={t('form.how')}
        value={steps ? 'plan' : 'percentage'}
        onChange={(how) => onChange({ steps: how === 'plan' ? USUAL_PLAN : null })}
        data={[
          { value: 'percentage', label: t('form.byPercentage') },
          { value: 'plan', label: t('form.byPlan') },
        ]}
      />
      {steps ? (
        <PlanFields value={steps} onChange={(changed) => onChange({ steps: changed })} />
      ) : (
        <PercentageField
          value={audience.percentage}
          onChange={(percentage) => onChange({ audience: { ...audience, percentage } })}
        />
      )}
    </>
  )
}

const REQUIREMENTS = ['runtimeVersion', 'minNativeVersion', 'nativeRange', 'minOsVersion'] as const

function More({ app, plan, onChange }: { app: App; plan: Plan; onChange: (changes: Partial<Plan>) => void }) {
  const { t } = useTranslation('publish')
  const { t: tr } = useTranslation('releases')
  const { t: rollouts } = useTranslation('rollouts')
  return (
    <Accordion variant="contained">
      <Accordion.Item value="audience">
        <Accordion.Control>{t('plan.audience')}</Accordion.Control>
        <Accordion.Panel>
          <AudienceFields
            app={app.slug}
            value={plan.audience}
            onChange={(audience) => onChange({ audience })}
            hasPercentage={false}
          />
        </Accordion.Panel>
      </Accordion.Item>
      <Accordion.Item value="guard">
        <Accordion.Control>{rollouts('guard.title')}</Accordion.Control>
        <Accordion.Panel>
          <Stack gap="md">
            <Text c="dimmed">{rollouts('guard.about')}</Text>
            <GuardFields
              value={plan.guard === 'usual' ? usualGuard(app) : plan.guard}
              onChange={(guard) => onChange({ guard })}
            />
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
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
