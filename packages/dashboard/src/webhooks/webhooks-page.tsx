import type { Webhook } from '@hotpatch/api'
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus, IconWebhook } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { NewWebhook } from './new-webhook.tsx'
import { useApps } from './use-apps.ts'
import { webhooksKey } from './webhook-keys.ts'
import { WebhookState } from './webhook-state.tsx'

export function WebhooksPage() {
  const { t } = useTranslation('webhooks')
  const api = useApi()
  const { nameOf } = useApps()
  const [isMaking, { open, close }] = useDisclosure()
  const pages = usePages({ queryKey: webhooksKey, fetchPage: (cursor) => api.listWebhooks(cursor) })
  const columns: Column<Webhook>[] = [
    {
      id: 'url',
      header: t('url'),
      phone: 'title',
      cell: (webhook) => (
        <RowLink to="/webhooks/$webhook" params={{ webhook: webhook.id }}>
          {webhook.url}
        </RowLink>
      ),
    },
    { id: 'app', header: t('app'), cell: ({ appId }) => (appId === null ? t('everyApp') : nameOf(appId)) },
    {
      id: 'events',
      header: t('events'),
      cell: ({ types }) => (types.length === 0 ? t('everyEvent') : t('eventCount', { count: types.length })),
    },
    { id: 'state', header: t('state'), cell: (webhook) => <WebhookState webhook={webhook} /> },
    { id: 'created', header: t('created'), width: '9rem', cell: (webhook) => <Time at={webhook.createdAt} /> },
  ]
  const make = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
      {t('new')}
    </Button>
  )
  return (
    <Page title={t('title')} about={t('about')} actions={pages.rows.length > 0 && make}>
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <Empty
            title={t('empty.title')}
            icon={<IconWebhook size={28} aria-hidden />}
            action={make}
            commands={[
              {
                about: t('empty.command'),
                command: `npx hotpatch webhooks add https://example.com/hotpatch --all-apps --url ${SERVER_URL}`,
              },
            ]}
          >
            {t('empty.about')}
          </Empty>
        }
      />
      <NewWebhook opened={isMaking} onClose={close} />
    </Page>
  )
}
