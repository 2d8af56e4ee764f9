import { Badge, Group, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useMay } from '../ground/permissions.ts'
import { ButtonLink } from '../ground/links.tsx'
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
  const may = useMay()
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
    { id: 'slug', header: t('slug'), width: '22%', cell: (app) => <Text ff="monospace">{app.slug}</Text> },
    { id: 'platforms', header: t('platforms'), width: '32%', cell: (app) => <Platforms app={app} /> },
    { id: 'created', header: t('created'), width: '16%', cell: (app) => <Time at={app.createdAt} /> },
  ]
  const add = may('apps:change') && (
    <ButtonLink to="/new-app" leftSection={<IconPlus size={16} aria-hidden />}>
      {t('new.title')}
    </ButtonLink>
  )
  return (
    <Page title={t('title')} actions={pages.rows.length > 0 && add}>
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={(app) => app.id}
        empty={
          <Empty
            title={t('empty.title')}
            action={add}
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

function Platforms({ app }: { app: App }) {
  const { t } = useTranslation('apps')
  return (
    <Group gap={4}>
      {app.platforms.map((platform) => (
        <Badge key={platform} color="gray">
          {t(`platform.${platform}`)}
        </Badge>
      ))}
    </Group>
  )
}
