import type { Adoption as AdoptionFigures, ReleaseHealth } from '@hotpatch/api'
import { MultiSelect, Stack, Table, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Figure } from '../ground/charts/figure.tsx'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import { CsvButton } from './csv-button.tsx'
import { FigureStates } from './figure-states.tsx'
import classes from './insights.module.css'
import { useInsight, wholeRange, type Asked } from './use-insight.ts'
import { useVersionNames } from './version-names.ts'

const SHOWN_FIRST = 4
const MAX_SHOWN = 8

type BusyRollout = ReleaseHealth['releases'][number]['rollouts'][number]

/** How rollouts spread over the devices that they are for. */
export function Adoption({ slug, search }: Asked) {
  const { t } = useTranslation('insights')
  const query = useInsight(slug, 'health', search, (api, query) => api.getReleaseHealth(slug, query))
  return (
    <FigureStates title={t('adoption.title')} query={query}>
      {({ releases }) => {
        const rollouts = releases.flatMap((release) => release.rollouts)
        if (rollouts.length === 0) {
          return (
            <Section title={t('adoption.title')}>
              <Text c="dimmed">{t('adoption.none')}</Text>
            </Section>
          )
        }
        return <Curves slug={slug} search={search} rollouts={rollouts} />
      }}
    </FigureStates>
  )
}

function Curves({ slug, search, rollouts }: Asked & { rollouts: readonly BusyRollout[] }) {
  const { t } = useTranslation('insights')
  const api = useApi()
  const figures = useFigures()
  const known = new Map(rollouts.map((rollout) => [rollout.rolloutId, rollout]))
  const asked = search.rollouts?.split(',').filter((id) => known.has(id)) ?? []
  const chosen = (asked.length > 0 ? asked : [...known.keys()].slice(0, SHOWN_FIRST)).slice(0, MAX_SHOWN)
  const { rollouts: _, platform: __, channel: ___, ...range } = search
  const answers = useQueries({
    queries: chosen.map((id) => ({
      queryKey: appKey(slug, 'insights', 'adoption', id, range),
      queryFn: () => api.getAdoption(slug, id, wholeRange(range)),
    })),
  })
  const nameOf = useRolloutNames()
  const error = answers.find((answer) => answer.error)
  const curves = answers.flatMap(({ data }) => data ?? [])
  return (
    <Stack gap="sm">
      <Figure
        title={t('adoption.title')}
        about={t('adoption.about')}
        actions={chosen[0] && <CsvOfFirst slug={slug} search={search} id={chosen[0]} />}
        kind="line"
        rows={rowsOf(curves)}
        xKey="at"
        xLabel={t('time')}
        xKind="time"
        series={curves.map((curve) => ({ key: curve.rolloutId, label: nameOf(curve) }))}
        unit={t('adoption.unit')}
        format={(share) => figures.percentage(share, 1)}
        domain={[0, 100]}
        height={280}
      />
      <ProblemPanel error={error?.error} onRetry={() => void error?.refetch()} />
      {answers.some((answer) => answer.isPending) && <Loading rows={1} />}
      <Section title={t('adoption.compared')}>
        <RolloutChoice slug={slug} search={search} rollouts={rollouts} chosen={chosen} />
        <Milestones curves={curves} />
      </Section>
    </Stack>
  )
}

function CsvOfFirst({ slug, search, id }: Asked & { id: string }) {
  return <CsvButton slug={slug} search={search} insight={['rollouts', id, 'adoption']} hasPlaces={false} />
}

/** One row for each time; what had not begun yet has none. */
function rowsOf(curves: readonly AdoptionFigures[]): Record<string, string | number | null>[] {
  const rows = new Map<string, Record<string, string | number | null>>()
  for (const { rolloutId, points, startedAt } of curves) {
    // A line begins at nothing, one bucket before.
    const began = startedAt === null ? -1 : points.findLastIndex(({ at }) => at <= startedAt)
    for (const [index, { at, share }] of points.entries()) {
      const row = rows.get(at) ?? { at }
      row[rolloutId] = share === null || index < began - 1 ? null : share * 100
      rows.set(at, row)
    }
  }
  return [...rows.values()].toSorted((a, b) => (String(a.at) < String(b.at) ? -1 : 1))
}

function useRolloutNames(): (rollout: Pick<BusyRollout, 'version' | 'platform' | 'channel'>) => string {
  const { t } = useTranslation('insights')
  const nameOf = useVersionNames()
  return ({ version, platform, channel }) => `${nameOf(version)} · ${t(`platforms.${platform}`)} · ${channel}`
}

/** Which ones; it is in the address. */
function RolloutChoice({
  slug,
  search,
  rollouts,
  chosen,
}: Asked & { rollouts: readonly BusyRollout[]; chosen: readonly string[] }) {
  const { t } = useTranslation('insights')
  const navigate = useNavigate()
  const nameOf = useRolloutNames()
  return (
    <MultiSelect
      label={t('adoption.rollouts')}
      data={rollouts.map((rollout) => ({ value: rollout.rolloutId, label: nameOf(rollout) }))}
      value={[...chosen]}
      maxValues={MAX_SHOWN}
      searchable
      clearable
      onChange={(ids) =>
        void navigate({
          to: '/apps/$app/insights',
          params: { app: slug },
          search: { ...search, rollouts: ids.length === 0 ? undefined : ids.join(',') },
          replace: true,
          resetScroll: false,
        })
      }
    />
  )
}

/** How long it took, side by side. */
function Milestones({ curves }: { curves: readonly AdoptionFigures[] }) {
  const { t } = useTranslation('insights')
  const figures = useFigures()
  const nameOf = useRolloutNames()
  const shares = curves[0]?.reached.map(({ share }) => share) ?? []
  if (curves.length === 0) return null
  return (
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={t('adoption.compared')}>
      <Table mt="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('rollout')}</Table.Th>
            <Table.Th ta="end">{t('adoption.eligible')}</Table.Th>
            <Table.Th ta="end">{t('adoption.running')}</Table.Th>
            {shares.map((share) => (
              <Table.Th key={share} ta="end">
                {t('adoption.until', { share: figures.percentage(share * 100, 0) })}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {curves.map((curve) => (
            <Table.Tr key={curve.rolloutId}>
              <Table.Td>{nameOf(curve)}</Table.Td>
              <Table.Td ta="end">{figures.number(curve.eligible.devices)}</Table.Td>
              <Table.Td ta="end">
                {figures.number(curve.running)}
                {curve.share !== null && ` (${figures.percentage(curve.share * 100, 1)})`}
              </Table.Td>
              {curve.reached.map(({ share, seconds }) => (
                <Table.Td key={share} ta="end">
                  {seconds === null ? '–' : <Duration seconds={seconds} />}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

function Duration({ seconds }: { seconds: number }) {
  const { i18n } = useTranslation()
  const [unit, size] = UNITS.find(([, length]) => seconds >= 2 * length) ?? ['minute', 60]
  const format = { style: 'unit', unit, maximumFractionDigits: 0 } as const
  return new Intl.NumberFormat(i18n.language, format).format(seconds / size)
}
