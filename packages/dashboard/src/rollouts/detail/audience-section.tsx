import type { Rollout } from '@hotpatch/api'
import { Code, List, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CopyValue } from '../../ground/copy-command.tsx'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { Time } from '../../ground/time.tsx'
import { Fact, Facts } from './facts.tsx'

/** More ids are in the API, and in what is typed when the audience is changed. */
const MAX_SHOWN = 20

export function AudienceSection({ rollout }: { rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const { percentage, cohorts, devices, rules, slice, startsAt, mandatory, mandatoryBelow, sequence } = rollout
  return (
    <Section title={t('audience.title')}>
      <Stack gap="md">
        <Facts>
          <Fact name={t('form.percentage')}>{figures.percentage(percentage)}</Fact>
          {slice && <Fact name={t('audience.slice')}>{figures.percentage((slice.to - slice.from) / 100)}</Fact>}
          <Fact name={t('form.cohorts')}>{cohorts.length === 0 ? '–' : figures.list(cohorts)}</Fact>
          <Fact name={t('form.devices')}>{figures.number(devices.length)}</Fact>
          <Fact name={t('form.mandatory')}>
            {mandatory
              ? t('yes')
              : mandatoryBelow === null
                ? t('no')
                : t('audience.mandatoryBelow', { version: mandatoryBelow })}
          </Fact>
          {startsAt !== null && (
            <Fact name={t('audience.start')}>
              <Time at={startsAt} />
            </Fact>
          )}
          {sequence !== null && <Fact name={t('audience.sequence')}>{figures.number(sequence)}</Fact>}
          <Fact name={t('audience.id')}>
            <CopyValue value={rollout.id} shown={`${rollout.id.slice(0, 13)}…`} />
          </Fact>
        </Facts>
        {rules.length > 0 && (
          <div>
            <Text fw={500}>{t('form.rules')}</Text>
            <List size="sm">
              {rules.map((rule) => (
                <List.Item key={JSON.stringify(rule)}>
                  <Code>{rule.attribute}</Code> <RuleText rule={rule} />
                </List.Item>
              ))}
            </List>
          </div>
        )}
        {devices.length > 0 && (
          <div>
            <Text fw={500}>{t('form.devices')}</Text>
            <List size="sm">
              {devices.slice(0, MAX_SHOWN).map((device) => (
                <List.Item key={device}>
                  <Code>{device}</Code>
                </List.Item>
              ))}
            </List>
            {devices.length > MAX_SHOWN && (
              <Text c="dimmed">{t('audience.moreDevices', { count: devices.length - MAX_SHOWN })}</Text>
            )}
          </div>
        )}
      </Stack>
    </Section>
  )
}

function RuleText({ rule }: { rule: Rollout['rules'][number] }) {
  const { t } = useTranslation('rollouts')
  if ('range' in rule) return <Code>{rule.range}</Code>
  const values = 'in' in rule ? rule.in : rule.notIn
  return (
    <>
      {t('in' in rule ? 'form.tests.in' : 'form.tests.notIn')} <Code>{values.join(', ')}</Code>
    </>
  )
}
