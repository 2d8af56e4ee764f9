import type { AuditEntry } from '@hotpatch/api'
import { Text } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page } from '../ground/page.tsx'
import { serverKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { Actor } from './actor.tsx'
import { AuditFilters } from './audit-filters.tsx'
import { filterOf, readAuditSearch, type AuditSearch } from './audit-search.ts'
import { ChainState } from './chain-state.tsx'
import { ExportButton } from './export-button.tsx'
import { useAppNames } from './use-app-names.ts'

export function AuditPage() {
  const { t } = useTranslation('audit')
  const api = useApi()
  const navigate = useNavigate()
  const { nameOf } = useAppNames()
  const search = readAuditSearch(useSearch({ strict: false }))
  const filter = filterOf(search)
  const pages = usePages({
    queryKey: serverKey('audit', filter),
    fetchPage: (cursor) => api.listAudit({ ...filter, ...cursor }),
    // Whoever reads back is not to be moved by what happens now.
    isLive: false,
  })
  const change = (next: AuditSearch) => void navigate({ to: '/audit', search: next, replace: true })
  const columns: Column<AuditEntry>[] = [
    {
      id: 'action',
      header: t('action'),
      phone: 'title',
      cell: (entry) => (
        <RowLink to="/audit/$entry" params={{ entry: entry.id }}>
          {entry.action}
        </RowLink>
      ),
    },
    { id: 'actor', header: t('actor'), cell: (entry) => <Actor entry={entry} /> },
    { id: 'app', header: t('app'), cell: ({ appId }) => nameOf(appId) ?? (appId === null ? '' : appId.slice(0, 8)) },
    {
      id: 'subject',
      header: t('subject'),
      cell: ({ subjectKind, subjectId }) => (
        <Text title={subjectId} truncate maw="16rem">
          {subjectKind} <code>{shortened(subjectId)}</code>
        </Text>
      ),
    },
    { id: 'at', header: t('at'), width: '10rem', cell: (entry) => <Time at={entry.at} /> },
  ]
  return (
    <Page title={t('title')} about={t('about')} actions={<ExportButton filter={filter} />}>
      <ChainState />
      <AuditFilters search={search} onChange={change} />
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={(entry) => entry.id}
        empty={<Empty title={t('empty.title')}>{t('empty.about')}</Empty>}
      />
    </Page>
  )
}

/** Ids are as good as their end to tell two of them apart that were made one after the other. */
function shortened(id: string): string {
  return /^[\da-f-]{36}$/.test(id) ? `…${id.slice(-8)}` : id
}
