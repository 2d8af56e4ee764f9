import type { ArmComparison, Experiment, ExperimentResults } from '@hotpatch/api'
import { Alert, Anchor, Button, List, Radio, Stack, Text } from '@mantine/core'
import { IconScale } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { useFigures } from '../ground/figures.ts'
import { ImpactNotice } from '../ground/impact-notice.tsx'
import { Page, Section } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Loading } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { Time } from '../ground/time.tsx'
import { ArmIntervals } from './arm-intervals.tsx'
import { ExperimentState } from './experiment-state.tsx'
import { toPage } from '../ground/links.tsx'

const LIVE_MS = 10_000
const route = getRouteApi('/server/apps/$app/experiments/$experiment')
type Arm = ExperimentResults['arms'][number]

export function ExperimentPage() {
  const { t } = useTranslation('experiments')
  const app = useAppSlug()
  const api = useApi()
  const { experiment: id } = route.useParams()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'experiment', id),
    queryFn: () => api.getExperiment(id),
  })
  if (!data) {
    return (
      <Page title={t('one')}>
        {error ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : <Loading rows={5} />}
      </Page>
    )
  }
  return <Shown app={app} experiment={data} />
}

function Shown({ app, experiment }: { app: string; experiment: Experiment }) {
  const { t } = useTranslation('experiments')
  const api = useApi()
  const figures = useFigures()
  const mayHere = useMayHere()
  const [isEnding, setIsEnding] = useState(false)
  const { id, name, channel, platform, percentage, createdBy, createdAt, state } = experiment
  const results = useQuery({
    queryKey: appKey(app, 'experiment', id, 'results'),
    queryFn: () => api.getExperimentResults(app, id),
    refetchInterval: LIVE_MS,
  })
  return (
    <Page
      title={name}
      badge={<ExperimentState experiment={experiment} />}
      about={
        <>
          {channel} · {t(`impact:platforms.${platform}`)} · {t('partOf', { share: figures.percentage(percentage) })} ·{' '}
          {t('by', { name: createdBy })} · <Time at={createdAt} />
        </>
      }
      actions={
        state === 'running' &&
        mayHere('experiments:change') && <Button onClick={() => setIsEnding(true)}>{t('finish')}</Button>
      }
    >
      {results.error && !results.data ? (
        <ProblemPanel error={results.error} onRetry={() => void results.refetch()} />
      ) : null}
      {results.data ? <Results app={app} results={results.data} /> : !results.error && <Loading rows={5} />}
      {isEnding && <FinishDialog app={app} experiment={experiment} onClose={() => setIsEnding(false)} />}
    </Page>
  )
}

function Results({ app, results: { arms, comparisons } }: { app: string; results: ExperimentResults }) {
  const { t } = useTranslation('experiments')
  const figures = useFigures()
  const share = ({ share: value }: Arm['bad']) => (value === null ? '–' : figures.percentage(100 * value))
  const columns: Column<Arm>[] = [
    {
      id: 'arm',
      header: t('armColumn'),
      phone: 'title',
      cell: ({ arm, version, rolloutId }) => (
        <Anchor
          component={Link}
          {...toPage({ to: '/apps/$app/rollouts/$rollout', params: { app, rollout: rolloutId } })}
        >
          {arm} · {version}
        </Anchor>
      ),
    },
    { id: 'weight', header: t('weight'), align: 'end', cell: ({ weight }) => figures.percentage(weight) },
    { id: 'offered', header: t('offered'), align: 'end', cell: ({ offered }) => figures.number(offered) },
    { id: 'tried', header: t('tried'), align: 'end', cell: ({ attempted }) => figures.number(attempted) },
    { id: 'running', header: t('running'), align: 'end', cell: ({ running }) => figures.number(running) },
    { id: 'ok', header: t('succeeded'), align: 'end', cell: ({ succeeded }) => share(succeeded) },
    { id: 'bad', header: t('bad'), align: 'end', cell: ({ bad }) => share(bad) },
    { id: 'crashed', header: t('crashed'), align: 'end', cell: ({ crashed }) => share(crashed) },
  ]
  return (
    <>
      <Section title={t('conclusion')} about={t('conclusionAbout')}>
        <Stack gap="md">
          <ArmIntervals arms={arms} />
          <Conclusions comparisons={comparisons} />
        </Stack>
      </Section>
      <Section title={t('results')}>
        <DataTable label={t('results')} columns={columns} rows={arms} rowKey={({ arm }) => arm} empty={null} />
      </Section>
    </>
  )
}

function Conclusions({ comparisons }: { comparisons: readonly ArmComparison[] }) {
  const { t } = useTranslation('experiments')
  const figures = useFigures()
  const points = (value: number | null) => figures.number(Math.round(10_000 * (value ?? 0)) / 100)
  return (
    <Alert color="gray" icon={<IconScale aria-hidden />} title={t('mayConclude')}>
      <List>
        {comparisons.map(({ arm, comparedWith, conclusion, difference, low, high, confidencePercent }) => (
          <List.Item key={arm}>
            {t(`concludes.${conclusion}`, {
              arm,
              other: comparedWith,
              difference: points(difference),
              low: points(low),
              high: points(high),
              confidence: figures.percentage(confidencePercent, 1),
            })}
          </List.Item>
        ))}
      </List>
      <Text size="xs" c="dimmed" mt={4}>
        {t('peeking')}
      </Text>
    </Alert>
  )
}

/** The winner's release goes to all, or without one everybody goes back to what lies below the arms. */
function FinishDialog({ app, experiment, onClose }: { app: string; experiment: Experiment; onClose: () => void }) {
  const { t } = useTranslation('experiments')
  const api = useApi()
  const [choice, setChoice] = useState<string>()
  const { id, name, arms } = experiment
  const winner = choice === NONE ? null : (choice ?? null)
  const finish = useChange({
    change: () => api.finishExperiment(id, { winner }),
    invalidates: [appKey(app, 'experiment', id), appKey(app, 'experiments'), appKey(app, 'rollouts')],
    done: t('finished'),
  })
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t('finishAsk', { name })}
      action={t('finish')}
      onConfirm={async () => {
        if (choice === undefined) throw new Error(t('chooseFirst'))
        await finish.mutateAsync()
      }}
    >
      <Stack gap="sm">
        <Radio.Group label={t('winner')} value={choice ?? ''} onChange={setChoice}>
          <Stack gap={6} mt={4}>
            {arms.map((arm) => (
              <Radio key={arm.name} value={arm.name} label={`${arm.name} · ${arm.version}`} />
            ))}
            <Radio value={NONE} label={t('noWinner')} />
          </Stack>
        </Radio.Group>
        {choice !== undefined && (
          <>
            <Text>{t(winner === null ? 'noWinnerWill' : 'winnerWill')}</Text>
            <ImpactNotice app={app} question={{ change: 'finish-experiment', experimentId: id, winner }} />
          </>
        )}
      </Stack>
    </Confirm>
  )
}

/** No arm may be called so. */
const NONE = '(none)'
