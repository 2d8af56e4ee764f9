import type { Rollout, RolloutHealth } from '@hotpatch/api'
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { Figure } from '../../ground/charts/figure.tsx'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { Loading } from '../../ground/states.tsx'
import { Fact, Facts } from './facts.tsx'
import { LIVE_MS } from './live.ts'

/** On how many of those who tried it, it went badly: over time, with how sure that is. */
export function HealthSection({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const figures = useFigures()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'rollout', rollout.id, 'health'),
    queryFn: () => api.getRolloutHealth(app, rollout.id),
    refetchInterval: LIVE_MS,
  })
  if (error && !data) return <ProblemPanel error={error} onRetry={() => void refetch()} />
  if (!data) return <Loading rows={3} />
  const points = data.points.filter(({ untilThen }) => untilThen.attempted > 0)
  const [only] = points
  if (points.length < 2) {
    return (
      <Section title={t('health.title')}>
        {only ? <SoFar point={only} /> : <Text c="dimmed">{t('health.nobodyYet')}</Text>}
      </Section>
    )
  }
  return (
    <Figure
      title={t('health.title')}
      about={t('health.about')}
      kind="line"
      rows={points.map((point) => rowOf(point))}
      xKey="at"
      xLabel={t('time')}
      xKind="time"
      series={[
        { key: 'bad', label: t('health.bad') },
        { key: 'low', label: t('health.low') },
        { key: 'high', label: t('health.high') },
      ]}
      unit={t('health.unit')}
      format={(value) => figures.percentage(value, 1)}
      height={220}
    />
  )
}

function SoFar({ point: { untilThen } }: { point: RolloutHealth['points'][number] }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const { attempted, bad } = untilThen
  const write = (share: number | null) => (share === null ? '–' : figures.percentage(100 * share, 1))
  return (
    <Stack gap="sm">
      <Facts>
        <Fact name={t('health.bad')}>{write(bad.share)}</Fact>
        <Fact name={t('health.low')}>{write(bad.low)}</Fact>
        <Fact name={t('health.high')}>{write(bad.high)}</Fact>
      </Facts>
      <Text size="xs" c="dimmed">
        {t('health.soFar', { count: attempted, number: figures.number(attempted) })}
      </Text>
    </Stack>
  )
}

function rowOf({ at, untilThen: { bad } }: RolloutHealth['points'][number]) {
  const percent = (share: number | null) => (share === null ? null : 100 * share)
  return { at, bad: percent(bad.share), low: percent(bad.low), high: percent(bad.high) }
}
