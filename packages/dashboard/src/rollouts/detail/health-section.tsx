import type { Rollout, RolloutHealth } from '@hotpatch/api'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { Figure } from '../../ground/charts/figure.tsx'
import { useFigures } from '../../ground/figures.ts'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
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
  const points = data?.points.filter(({ untilThen }) => untilThen.attempted > 0) ?? []
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

function rowOf({ at, untilThen: { bad } }: RolloutHealth['points'][number]) {
  const percent = (share: number | null) => (share === null ? null : 100 * share)
  return { at, bad: percent(bad.share), low: percent(bad.low), high: percent(bad.high) }
}
