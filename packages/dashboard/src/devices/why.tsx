import type { DeviceWithEvents, Explanation } from '@hotpatch/api'
import { Alert, Badge, Select, Stack, Text } from '@mantine/core'
import { IconBulb, IconCheck, IconCircleCheck, IconInfoCircle, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import classes from './devices.module.css'
import { useExplanation } from './use-device.ts'
import { useSentence } from './use-sentence.ts'

const route = getRouteApi('/server/apps/$app/devices/$device')
type TracedRollout = Explanation['rollouts'][number]

/** What the device would get now, rule by rule, and what would have to change for another release. */
export function Why({ slug, device }: { slug: string; device: DeviceWithEvents }) {
  const { t } = useTranslation('devices')
  const { release } = route.useSearch()
  const { data, error, refetch } = useExplanation(slug, device.id, release)
  return (
    <Section title={t('why.title')} about={t('why.about')}>
      <Stack gap="md">
        <ProblemPanel error={error} onRetry={() => void refetch()} />
        {!data && !error && <Loading rows={5} />}
        {data && <DecisionNow explanation={data} />}
        <WantedRelease slug={slug} device={device} value={release} />
        {data?.towards && release !== undefined && <Towards towards={data.towards} />}
        {data && <Rollouts key={data.generation} rollouts={data.rollouts} />}
      </Stack>
    </Section>
  )
}

function DecisionNow({ explanation: { decision, notices } }: { explanation: Explanation }) {
  const { t } = useTranslation('devices')
  const sentence = useSentence()
  const { kind, version, direction, mandatory } = decision
  return (
    <div className={classes.decision} aria-label={t('why.now')} role="group">
      <Text fw={600} size="md">
        {t(`why.decisions.${direction === 'back' && kind === 'update' ? 'back' : kind}`, { version: version ?? '' })}
        {mandatory && (
          <Badge ml="xs" color="orange">
            {t('why.mandatory')}
          </Badge>
        )}
      </Text>
      <Text>{sentence(decision.reason, decision.explanation)}</Text>
      {decision.waysOut.length > 0 && (
        <ul className={classes.changes}>
          {decision.waysOut.map((way) => (
            <li key={way}>{way}</li>
          ))}
        </ul>
      )}
      {notices.map((notice) => (
        <Text key={notice.kind + notice.explanation} c="dimmed" mt={4}>
          <IconInfoCircle size={14} aria-hidden /> {notice.explanation}
        </Text>
      ))}
    </div>
  )
}

function WantedRelease({ slug, device, value }: { slug: string; device: DeviceWithEvents; value: string | undefined }) {
  const { t } = useTranslation('devices')
  const api = useApi()
  const navigate = useNavigate()
  const { platform } = device
  const { data } = useQuery({
    queryKey: appKey(slug, 'releases', 'newest', platform),
    queryFn: () => api.listReleases(slug, { limit: 200 }),
  })
  const releases = (data?.items ?? []).filter((each) => each.platform === platform || each.platform === 'any')
  return (
    <Select
      label={t('why.wanted')}
      description={t('why.wantedAbout')}
      placeholder={t('why.choose')}
      data={releases.map(({ id, version }) => ({ value: id, label: version }))}
      value={value ?? null}
      onChange={(release) =>
        void navigate({
          to: '/apps/$app/devices/$device',
          params: { app: slug, device: device.id },
          search: { release: release ?? undefined },
          replace: true,
          resetScroll: false,
        })
      }
      clearable
      searchable
      limit={100}
      maw={360}
    />
  )
}

function Towards({ towards: { version, changes } }: { towards: NonNullable<Explanation['towards']> }) {
  const { t } = useTranslation('devices')
  if (changes.length === 0) {
    return (
      <Alert color="teal" icon={<IconCircleCheck aria-hidden />} title={t('why.getsIt', { version })} role="status" />
    )
  }
  return (
    <Alert
      color="blue"
      icon={<IconBulb aria-hidden />}
      title={t('why.wouldChange', { version, count: changes.length })}
      role="status"
    >
      <ol className={classes.changes}>
        {changes.map((change) => (
          <li key={change}>{change}</li>
        ))}
      </ol>
    </Alert>
  )
}

function Rollouts({ rollouts }: { rollouts: readonly TracedRollout[] }) {
  const { t } = useTranslation('devices')
  if (rollouts.length === 0) return <Text c="dimmed">{t('why.noRollouts')}</Text>
  return (
    <Stack gap="xs">
      <Text fw={600}>{t('why.rules')}</Text>
      <Text c="dimmed">{t('why.rulesAbout')}</Text>
      {rollouts.map((rollout, index) => (
        <Rollout
          key={rollout.rolloutId}
          rollout={rollout}
          // What decided, and what is newest.
          isOpen={rollout.outcome === 'target' || index === 0}
        />
      ))}
    </Stack>
  )
}

const OUTCOME_COLORS = { target: 'teal', 'passed-over': 'gray', 'not-reached': 'gray' } as const

function Rollout({ rollout, isOpen }: { rollout: TracedRollout; isOpen: boolean }) {
  const { t } = useTranslation('devices')
  const { t: reasons } = useTranslation('reasons')
  const sentence = useSentence()
  const { version, position, outcome, verdicts } = rollout
  const against = verdicts.find(({ passed }) => !passed)?.reason
  return (
    <details className={classes.rollout} data-target={outcome === 'target' || undefined} open={isOpen}>
      <summary>
        <span className={classes.summary}>
          <strong>{version ?? t('embedded')}</strong>
          <Text span c="dimmed">
            {t('why.position', { position })}
          </Text>
          <Badge color={OUTCOME_COLORS[outcome]}>{t(`why.outcomes.${outcome}`)}</Badge>
          {against && outcome !== 'target' && <Text span>{reasons(against, { defaultValue: against })}</Text>}
        </span>
      </summary>
      <ul className={classes.verdicts}>
        {verdicts.map(({ rule, passed, reason, explanation }) => (
          <li key={rule} className={classes.verdict}>
            {passed ? (
              <IconCheck size={18} className={classes.passed} aria-label={t('why.passed')} role="img" />
            ) : (
              <IconX size={18} className={classes.against} aria-label={t('why.failed')} role="img" />
            )}
            <span>
              <Text span fw={500}>
                {t(`why.rule.${rule}`, { defaultValue: rule })}
              </Text>{' '}
              {sentence(reason ?? `passed-${rule}`, explanation)}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}
