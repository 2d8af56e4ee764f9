import type { Adoption, Rollout } from '@hotpatch/api'
import { List, Progress, Stack, Text } from '@mantine/core'
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

/** How far it has come: who was offered it, who runs it, and whom it cannot reach. */
export function ReachSection({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'rollout', rollout.id, 'adoption'),
    queryFn: () => api.getAdoption(app, rollout.id),
    refetchInterval: LIVE_MS,
  })
  if (error && !data) return <ProblemPanel error={error} onRetry={() => void refetch()} />
  return <Section title={t('adoption.title')}>{data ? <Shown adoption={data} /> : <Loading rows={4} />}</Section>
}

function Shown({ adoption }: { adoption: Adoption }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const { eligible, running, offered, everRan, attempted, bad, stuck, share, points } = adoption
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Text fw={600}>
          {t('adoption.run', {
            count: eligible.devices,
            running: figures.number(running),
            devices: figures.number(eligible.devices),
            share: figures.percentage(100 * (share ?? 0), 1),
          })}
        </Text>
        <Progress value={100 * Math.min(1, share ?? 0)} aria-label={t('adoption.title')} />
        <Text size="xs" c="dimmed">
          {t(`adoption.basis.${eligible.basis}`)}
        </Text>
      </Stack>
      <Facts>
        <Fact name={t('adoption.offered')}>{figures.number(offered)}</Fact>
        <Fact name={t('adoption.attempted')}>{figures.number(attempted)}</Fact>
        <Fact name={t('adoption.everRan')}>{figures.number(everRan)}</Fact>
        <Fact name={t('adoption.bad')} about={bad.share === null ? undefined : figures.percentage(100 * bad.share)}>
          {figures.number(bad.devices)}
        </Fact>
        <Fact name={t('adoption.stuck')} about={t('adoption.stuckAbout')}>
          {figures.number(stuck)}
        </Fact>
      </Facts>
      <Takers adoption={adoption} />
      {points.length > 1 && (
        <Figure
          title={t('adoption.curve')}
          kind="area"
          rows={points.map(({ at, everRan }) => ({ at, everRan }))}
          xKey="at"
          xLabel={t('time')}
          xKind="time"
          series={[{ key: 'everRan', label: t('adoption.everRan') }]}
          unit={t('devices')}
          height={200}
        />
      )}
    </Stack>
  )
}

/** Whom it is for, and who of them will never take it. */
function Takers({ adoption: { takers } }: { adoption: Adoption }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  if (!takers) return null
  const reasons = [...takers.refuse, ...takers.needOtherBinary]
  if (reasons.length === 0) return null
  return (
    <div>
      <Text>
        {t('adoption.takers', {
          count: takers.audience,
          audience: figures.number(takers.audience),
          canTake: figures.number(takers.canTake),
        })}
        {takers.isSample && ` ${t('adoption.sample', { judged: figures.number(takers.judged) })}`}
      </Text>
      <List size="sm" mt={4}>
        {reasons.map(({ reason, explanation, devices }) => (
          <List.Item key={reason}>
            <Text span fw={600}>
              {figures.number(devices)}
            </Text>{' '}
            {t(`reasons:${reason}`, { defaultValue: explanation })}
          </List.Item>
        ))}
      </List>
    </div>
  )
}
