import type { ReleaseFigures } from '@hotpatch/api'
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Figure } from '../ground/charts/figure.tsx'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Empty, Loading } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import classes from './asset-updates.module.css'
import type { AssetUpdatesSearch } from './routes.tsx'

/** As often as the page reads them again, beside what happens meanwhile. */
const REFRESH_MS = 30_000
const CHARTED = 12

type Figures = ReleaseFigures['releases'][number]

/** How updates do in the fleet. */
export function Statistics({ slug, search: { channel, platform } }: { slug: string; search: AssetUpdatesSearch }) {
  const { t } = useTranslation('asset-updates')
  const api = useApi()
  const place = { ...(channel && { channel }), ...(platform && { platform }) }
  const figures = useQuery({
    queryKey: appKey(slug, 'insights', 'figures', 'files', place),
    queryFn: () => api.getReleaseFigures(slug, { kind: 'files', ...place }),
    refetchInterval: REFRESH_MS,
  })
  const overview = useQuery({
    queryKey: appKey(slug, 'insights', 'overview'),
    queryFn: () => api.getOverview(slug),
    refetchInterval: REFRESH_MS,
  })
  const error = figures.error ?? overview.error
  if (error) return <ProblemPanel error={error} onRetry={() => void figures.refetch()} />
  if (!figures.data || !overview.data) return <Loading rows={5} />
  const { releases } = figures.data
  return (
    <Stack gap="lg">
      <Totals releases={releases} active={overview.data.active.month.devices} />
      {releases.length > 0 && <Outcomes releases={releases} />}
      {releases.length > 0 && <Downloads releases={releases} />}
      <Section title={t('statistics.byUpdate')}>
        <ByUpdate releases={releases} />
      </Section>
    </Stack>
  )
}

function Totals({ releases, active }: { releases: readonly Figures[]; active: number }) {
  const { t } = useTranslation('asset-updates')
  const figures = useFigures()
  const sum = (name: 'downloaded' | 'attempted' | 'succeeded' | 'bad' | 'rolledBack') =>
    releases.reduce((total, each) => total + each[name], 0)
  const attempted = sum('attempted')
  const rate = (part: number) => (attempted === 0 ? '–' : figures.percentage((part / attempted) * 100, 1))
  const values = [
    ['downloads', figures.number(sum('downloaded'))],
    ['successRate', rate(Math.max(0, attempted - sum('bad')))],
    ['failureRate', rate(sum('bad'))],
    ['activeUsers', figures.number(active)],
    ['rollbacks', figures.number(sum('rolledBack'))],
  ] as const
  return (
    <dl className={classes.figures} style={{ margin: 0 }}>
      {values.map(([name, value]) => (
        <div key={name} className={classes.figure}>
          <Text component="dt" size="xs" c="dimmed">
            {t(`statistics.${name}`)}
          </Text>
          <dd className={classes.value} style={{ margin: 0 }}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Outcomes({ releases }: { releases: readonly Figures[] }) {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  return (
    <Figure
      title={t('statistics.outcomes')}
      about={t('statistics.outcomesAbout')}
      kind="bar"
      isStacked
      rows={releases
        .slice(0, CHARTED)
        .toReversed()
        .map(({ version, attempted, bad }) => ({ version, good: attempted - bad, bad }))}
      xKey="version"
      xLabel={tr('version')}
      xKind="name"
      series={[
        { key: 'good', label: t('statistics.good') },
        { key: 'bad', label: t('statistics.bad') },
      ]}
      unit={t('statistics.devices')}
    />
  )
}

function Downloads({ releases }: { releases: readonly Figures[] }) {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  return (
    <Figure
      title={t('statistics.downloads')}
      about={t('statistics.downloadsAbout')}
      kind="bar"
      rows={releases
        .slice(0, CHARTED)
        .toReversed()
        .map(({ version, downloaded }) => ({ version, downloaded }))}
      xKey="version"
      xLabel={tr('version')}
      xKind="name"
      series={[{ key: 'downloaded', label: t('statistics.downloads') }]}
      unit={t('statistics.devices')}
    />
  )
}

function ByUpdate({ releases }: { releases: readonly Figures[] }) {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  const figures = useFigures()
  const share = ({ attempted }: Figures, part: number) =>
    attempted === 0 ? '–' : figures.percentage((part / attempted) * 100, 1)
  const columns: Column<Figures>[] = [
    {
      id: 'version',
      header: tr('version'),
      phone: 'title',
      cell: ({ version }) => <span className={classes.version}>{version}</span>,
    },
    { id: 'platform', header: tr('platform'), cell: ({ platform }) => tr(`platforms.${platform}`) },
    {
      id: 'downloads',
      header: t('statistics.downloads'),
      align: 'end',
      cell: ({ downloaded }) => figures.number(downloaded),
    },
    {
      id: 'attempted',
      header: t('statistics.attempted'),
      align: 'end',
      cell: ({ attempted }) => figures.number(attempted),
    },
    {
      id: 'success',
      header: t('statistics.successRate'),
      align: 'end',
      cell: (row) => share(row, row.attempted - row.bad),
    },
    { id: 'failure', header: t('statistics.failureRate'), align: 'end', cell: (row) => share(row, row.bad) },
    {
      id: 'rollbacks',
      header: t('statistics.rollbacks'),
      align: 'end',
      cell: ({ rolledBack }) => figures.number(rolledBack),
    },
  ]
  return (
    <DataTable
      label={t('statistics.byUpdate')}
      columns={columns}
      rows={releases}
      rowKey={({ releaseId }) => releaseId}
      empty={<Empty title={t('statistics.none')}>{t('statistics.noneAbout')}</Empty>}
    />
  )
}
