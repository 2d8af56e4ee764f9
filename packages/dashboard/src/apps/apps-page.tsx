import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { serverKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import type { App } from '@hotpatch/api'

export function AppsPage() {
  const { t } = useTranslation('apps')
  const api = useApi()
  const pages = usePages({ queryKey: serverKey('apps'), fetchPage: (cursor) => api.listApps(cursor) })
  const columns: Column<App>[] = [
    {
      id: 'name',
      header: t('name'),
      phone: 'title',
      cell: (app) => (
        <RowLink to="/apps/$app" params={{ app: app.slug }}>
          {app.name}
        </RowLink>
      ),
    },
    { id: 'slug', header: t('slug'), cell: (app) => <Text ff="monospace">{app.slug}</Text> },
    { id: 'platforms', header: t('platforms'), cell: (app) => app.platforms.join(', ') },
    { id: 'created', header: t('created'), cell: (app) => <Time at={app.createdAt} /> },
  ]
  return (
    <Page title={t('title')}>
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={(app) => app.id}
        empty={
          <Empty
            title={t('empty.title')}
            commands={[
              { about: t('empty.login'), command: `npx hotpatch login --url ${SERVER_URL}` },
              { about: t('empty.create'), command: 'npx hotpatch apps create my-app' },
            ]}
          >
            {t('empty.about')}
          </Empty>
        }
      />
    </Page>
  )
}
