import type { Release, ReleaseComparison } from '@hotpatch/api'
import { Badge, Group, SegmentedControl, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { Empty, Loading } from '../../ground/states.tsx'
import { DataTable, type Column } from '../../ground/tables/data-table.tsx'
import { usePages } from '../../ground/tables/use-pages.ts'
import classes from '../releases.module.css'
import type { ReleaseSearch } from '../routes.tsx'
import { Fact } from './release-overview.tsx'

type Difference = ReleaseComparison['items'][number]

const COLORS = { added: 'teal', removed: 'red', changed: 'blue' } as const
const PAGE = 200

/** What it has otherwise than the release before, or than any other of its kind. */
export default function Comparison({
  slug,
  release,
  search,
  onSearch,
}: {
  slug: string
  release: Release
  search: ReleaseSearch
  onSearch: (changes: ReleaseSearch) => void
}) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const query = { ...(search.with && { with: search.with }) }
  const key = appKey(slug, 'releases', 'comparison', release.id, query)
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: () => api.compareRelease(release.id, { ...query, limit: 1 }),
    meta: { isLive: false },
  })
  return (
    <Stack gap="lg">
      <OtherRelease
        slug={slug}
        release={release}
        chosen={search.with ?? data?.before?.id}
        onChoose={(id) => onSearch({ tab: 'difference', with: id })}
      />
      <ProblemPanel error={error} />
      {!data && !error && <Loading rows={5} />}
      {data?.before === null && <Empty title={t('comparison.first')}>{t('comparison.firstAbout')}</Empty>}
      {data?.before && (
        <>
          <Summary comparison={data} />
          {data.isReadable ? (
            <Changes slug={slug} release={release} comparison={data} search={search} onSearch={onSearch} />
          ) : (
            <Empty title={t('entries.sealed')}>{t('entries.sealedAbout')}</Empty>
          )}
        </>
      )}
    </Stack>
  )
}

function OtherRelease({
  slug,
  release,
  chosen,
  onChoose,
}: {
  slug: string
  release: Release
  chosen: string | undefined
  onChoose: (id: string | undefined) => void
}) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const { platform } = release
  const { kind } = release.content
  const { data } = useQuery({
    queryKey: appKey(slug, 'releases', 'comparable', platform, kind),
    queryFn: () => api.listReleases(slug, { platform, kind, limit: 200 }),
  })
  const others = (data?.items ?? []).filter(({ id }) => id !== release.id)
  return (
    <Select
      label={t('comparison.with')}
      placeholder={t('comparison.before')}
      data={others.map(({ id, version }) => ({ value: id, label: version }))}
      value={chosen ?? null}
      onChange={(id) => onChoose(id ?? undefined)}
      searchable
      maw="24rem"
    />
  )
}

function Summary({
  comparison: { files, fileBytes, contentBytes, requirement, isReadable },
}: {
  comparison: ReleaseComparison
}) {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const grown = contentBytes.after - contentBytes.before
  const sizes = ({ before, after }: { before: number; after: number }) =>
    `${figures.bytes(before)} → ${figures.bytes(after)}`
  return (
    <Section title={t('comparison.summary')}>
      <dl className={classes.facts}>
        {isReadable && (
          <Fact label={t('tabs.files')}>
            <Group gap={6}>
              {(['added', 'removed', 'changed'] as const).map((change) => (
                <Badge key={change} color={COLORS[change]}>
                  {t(`comparison.count.${change}`, { count: files[change] })}
                </Badge>
              ))}
              <Badge color="gray">{t('comparison.count.same', { count: files.same })}</Badge>
            </Group>
          </Fact>
        )}
        <Fact label={t('comparison.whole')}>
          {sizes(contentBytes)}{' '}
          <Text span c="dimmed">
            ({grown >= 0 ? '+' : '−'}
            {figures.bytes(Math.abs(grown))})
          </Text>
        </Fact>
        {isReadable && <Fact label={t('comparison.unpacked')}>{sizes(fileBytes)}</Fact>}
        {requirement.map(({ field, before, after }) => (
          <Fact key={field} label={t(`requirement.${field}`)}>
            {before ?? t('none')} → {after ?? t('none')}
          </Fact>
        ))}
      </dl>
    </Section>
  )
}

function Changes({
  slug,
  release,
  comparison,
  search,
  onSearch,
}: {
  slug: string
  release: Release
  comparison: ReleaseComparison
  search: ReleaseSearch
  onSearch: (changes: ReleaseSearch) => void
}) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const query = { ...(search.with && { with: search.with }), ...(search.change && { change: search.change }) }
  const pages = usePages({
    queryKey: appKey(slug, 'releases', 'changes', release.id, query),
    fetchPage: (cursor) => api.compareRelease(release.id, { ...query, ...cursor, limit: PAGE }),
    isLive: false,
  })
  const columns = useColumns()
  const { added, removed, changed } = comparison.files
  if (added + removed + changed === 0) return <Empty title={t('comparison.equal')}>{t('comparison.equalAbout')}</Empty>
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label={t('comparison.change')}
        data={(['all', 'added', 'removed', 'changed'] as const).map((value) => ({
          value,
          label: t(`comparison.changes.${value}`),
        }))}
        value={search.change ?? 'all'}
        onChange={(value) => onSearch({ ...search, change: value === 'all' ? undefined : value })}
      />
      <DataTable
        {...pages}
        label={t('tabs.difference')}
        columns={columns}
        rowKey={({ path }) => path}
        empty={<Empty title={t('comparison.noneOfThese')} />}
      />
    </Stack>
  )
}

function useColumns(): Column<Difference>[] {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const bytes = (value: number | null) => (value === null ? '–' : figures.bytes(value))
  return [
    {
      id: 'path',
      header: t('entries.path'),
      phone: 'title',
      cell: ({ path }) => <span className={classes.path}>{path}</span>,
    },
    {
      id: 'change',
      header: t('comparison.change'),
      width: '9rem',
      cell: ({ change }) => <Badge color={COLORS[change]}>{t(`comparison.one.${change}`)}</Badge>,
    },
    {
      id: 'before',
      header: t('comparison.sizeBefore'),
      align: 'end',
      width: '8rem',
      cell: ({ beforeBytes }) => bytes(beforeBytes),
    },
    {
      id: 'after',
      header: t('comparison.sizeAfter'),
      align: 'end',
      width: '8rem',
      cell: ({ afterBytes }) => bytes(afterBytes),
    },
  ]
}
