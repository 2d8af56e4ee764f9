import { DEFAULT_CHANNEL, type Adoption, type Rollout } from '@hotpatch/api'
import { Badge, Group, Progress, Select, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChannelNames } from '../ground/app.ts'
import { useFigures } from '../ground/figures.ts'
import { TextLink } from '../ground/links.tsx'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { RolloutState } from '../ground/rollout-state.tsx'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import classes from './overview.module.css'

const REFRESH_MS = 30_000

/** For each platform the newest that is in force on a channel: how far it has come, and how it does. */
export function NewestReleases({ slug, channel: chosen }: { slug: string; channel: string | undefined }) {
  const { t } = useTranslation('overview')
  const api = useApi()
  const channels = useChannelNames(slug)
  const navigate = useNavigate()
  const channel = chosen ?? (channels.includes(DEFAULT_CHANNEL) ? DEFAULT_CHANNEL : (channels[0] ?? DEFAULT_CHANNEL))
  const { data, error, refetch } = useQuery({
    queryKey: appKey(slug, 'rollouts', 'newest', channel),
    queryFn: () => api.listRollouts(slug, { channel, limit: 100 }),
  })
  const newest = newestOf(data?.items ?? [])
  return (
    <Section
      title={t('newest.title')}
      about={t('newest.about')}
      actions={
        <Select
          aria-label={t('newest.channel')}
          data={[...channels]}
          value={channel}
          allowDeselect={false}
          onChange={(value) =>
            void navigate({
              to: '/apps/$app/overview',
              params: { app: slug },
              search: { channel: value ?? undefined },
              replace: true,
              resetScroll: false,
            })
          }
          w={150}
        />
      }
    >
      <ProblemPanel error={error} onRetry={() => void refetch()} />
      {!data && !error && <Loading rows={3} />}
      {data && newest.length === 0 && <Text c="dimmed">{t('newest.none')}</Text>}
      {newest.map((rollout) => (
        <NewestRelease key={rollout.id} slug={slug} rollout={rollout} />
      ))}
    </Section>
  )
}

/** Those that go on, or wait for a person: what was stopped for good is history. */
function newestOf(rollouts: readonly Rollout[]): Rollout[] {
  const newest = new Map<string, Rollout>()
  for (const rollout of rollouts.toSorted((a, b) => b.position - a.position)) {
    const isOver = rollout.state === 'halted' || rollout.state === 'withdrawn'
    if (!isOver && !newest.has(rollout.platform)) newest.set(rollout.platform, rollout)
  }
  return [...newest.values()]
}

function NewestRelease({ slug, rollout }: { slug: string; rollout: Rollout }) {
  const { t } = useTranslation('overview')
  const api = useApi()
  const figures = useFigures()
  const { data } = useQuery({
    queryKey: appKey(slug, 'insights', 'adoption', rollout.id, 'now'),
    queryFn: () => api.getAdoption(slug, rollout.id),
    refetchInterval: REFRESH_MS,
  })
  return (
    <div className={classes.release}>
      <Group justify="space-between" gap="xs" mb={6}>
        <Group gap="xs">
          <TextLink to="/apps/$app/rollouts/$rollout" params={{ app: slug, rollout: rollout.id }} fw={600}>
            {rollout.version ?? t('embedded')}
          </TextLink>
          <Badge color="gray">{t(`platforms.${rollout.platform}`)}</Badge>
          <RolloutState rollout={rollout} />
          {rollout.guard?.state === 'tripped' && <Badge color="red">{t('newest.tripped')}</Badge>}
        </Group>
        <Text c="dimmed" component="div">
          {t('newest.percentage', { percentage: figures.percentage(rollout.percentage) })} ·{' '}
          <Time at={rollout.createdAt} />
        </Text>
      </Group>
      {data ? <Spread adoption={data} /> : <Loading rows={1} height={36} />}
    </div>
  )
}

function Spread({ adoption }: { adoption: Adoption }) {
  const { t } = useTranslation('overview')
  const figures = useFigures()
  const { running, eligible, share, attempted, bad } = adoption
  const percentage = (share ?? 0) * 100
  return (
    <>
      <Progress value={percentage} size="lg" aria-label={t('newest.adoption')} />
      <Group justify="space-between" gap="xs" mt={4}>
        <Text>
          {t('newest.runs', {
            running: figures.number(running),
            eligible: figures.number(eligible.devices),
            share: figures.percentage(percentage, 1),
          })}
        </Text>
        <Text {...(bad.low !== null && bad.low > 0.05 ? { c: 'var(--mantine-color-red-text)' } : { c: 'dimmed' })}>
          {bad.share === null || bad.low === null || bad.high === null
            ? t('newest.untried')
            : t('newest.health', {
                bad: figures.percentage(bad.share * 100, 1),
                low: figures.percentage(bad.low * 100, 1),
                high: figures.percentage(bad.high * 100, 1),
                attempted: figures.number(attempted),
              })}
        </Text>
      </Group>
    </>
  )
}
