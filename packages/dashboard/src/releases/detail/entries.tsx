import type { Release, ReleaseEntry } from '@hotpatch/api'
import { Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useFigures } from '../../ground/figures.ts'
import { appKey } from '../../ground/queries.ts'
import { SearchField } from '../../ground/search-field.tsx'
import { Empty } from '../../ground/states.tsx'
import { DataTable, type Column } from '../../ground/tables/data-table.tsx'
import { usePages } from '../../ground/tables/use-pages.ts'
import classes from '../releases.module.css'
import type { ReleaseSearch } from '../routes.tsx'

const PAGE = 200

/** Every file, be it thousands: they come as somebody scrolls. */
export default function Entries({
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
  const figures = useFigures()
  const query = { ...(search.search && { search: search.search }), ...(search.order && { order: search.order }) }
  const key = appKey(slug, 'releases', 'entries', release.id, query)
  const { data: summary } = useQuery({
    queryKey: [...key, 'summary'],
    queryFn: () => api.listReleaseEntries(release.id, { ...query, limit: 1 }),
    meta: { isLive: false },
    staleTime: Infinity,
  })
  const pages = usePages({
    queryKey: key,
    fetchPage: (cursor) => api.listReleaseEntries(release.id, { ...query, ...cursor, limit: PAGE }),
    isLive: false,
  })
  const columns = useColumns(release)
  if (summary && !summary.isReadable) return <Empty title={t('entries.sealed')}>{t('entries.sealedAbout')}</Empty>
  return (
    <Stack gap="md">
      <Group gap="sm" align="flex-end" className={classes.filters}>
        <SearchField
          label={t('entries.search')}
          maxLength={200}
          value={search.search}
          onChange={(text) => onSearch({ ...search, tab: 'files', search: text })}
        />
        <SegmentedControl
          aria-label={t('entries.order')}
          data={[
            { value: 'path', label: t('entries.byPath') },
            { value: 'size', label: t('entries.bySize') },
          ]}
          value={search.order ?? 'path'}
          onChange={(order) => onSearch({ ...search, tab: 'files', order: order === 'size' ? 'size' : undefined })}
        />
      </Group>
      {summary && (
        <Text c="dimmed" aria-live="polite">
          {t('entries.total', { count: summary.matching, bytes: figures.bytes(summary.total.sizeBytes) })}
        </Text>
      )}
      <DataTable
        {...pages}
        label={t('tabs.files')}
        columns={columns}
        rowKey={({ path, name = '' }) => `${path} ${name}`}
        empty={<Empty title={t('entries.none')}>{t('entries.noneAbout')}</Empty>}
      />
    </Stack>
  )
}

function useColumns({ content }: Release): Column<ReleaseEntry>[] {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const size: Column<ReleaseEntry> = {
    id: 'size',
    header: t('size'),
    align: 'end',
    width: '9rem',
    cell: ({ sizeBytes }) => figures.bytes(sizeBytes),
  }
  switch (content.kind) {
    case 'archive':
      return [
        pathColumn(t('entries.path')),
        size,
        {
          id: 'packed',
          header: t('entries.inZip'),
          align: 'end',
          width: '9rem',
          cell: ({ packedBytes }) => (packedBytes === null ? '–' : figures.bytes(packedBytes)),
        },
      ]
    case 'files':
    case 'kit':
      return [pathColumn(t('entries.path')), size, digestColumn]
    case 'binary':
      return [
        {
          id: 'name',
          header: t('entries.name'),
          phone: 'title',
          cell: ({ name = '', sha256 }) => {
            const url = content.files.find((file) => file.name === name && file.sha256 === sha256)?.downloadUrl
            return (
              <a className={classes.path} href={url}>
                {name}
              </a>
            )
          },
        },
        { id: 'for', header: t('entries.for'), cell: ({ path }) => path.split('/').join(' · ') },
        size,
        digestColumn,
      ]
  }
}

const pathColumn = (header: string): Column<ReleaseEntry> => ({
  id: 'path',
  header,
  phone: 'title',
  cell: ({ path }) => <span className={classes.path}>{path}</span>,
})

const digestColumn: Column<ReleaseEntry> = {
  id: 'sha256',
  header: 'SHA-256',
  width: '11rem',
  cell: ({ sha256 }) => (sha256 === null ? '–' : <code title={sha256}>{sha256.slice(0, 12)}…</code>),
}
