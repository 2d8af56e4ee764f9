import type { WebhookDelivery } from '@hotpatch/api'
import { SegmentedControl, Stack } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { DELIVERY_STATES, readDeliverySearch } from './delivery-search.ts'
import { deliveriesKey } from './webhook-keys.ts'
import { DeliveryBadge, useOutcome } from './webhook-state.tsx'

const ALL = 'all'

export function Deliveries({ webhookId }: { webhookId: string }) {
  const { t } = useTranslation('webhooks')
  const api = useApi()
  const navigate = useNavigate()
  const outcomeOf = useOutcome()
  const filter = readDeliverySearch(useSearch({ strict: false }))
  const pages = usePages({
    queryKey: [...deliveriesKey(webhookId), filter],
    fetchPage: (cursor) => api.listDeliveries(webhookId, { ...filter, ...cursor }),
  })
  const columns: Column<WebhookDelivery>[] = [
    {
      id: 'type',
      header: t('deliveries.event'),
      phone: 'title',
      cell: ({ id, type }) => (
        <RowLink to="/webhooks/$webhook/deliveries/$delivery" params={{ webhook: webhookId, delivery: id }}>
          {type}
        </RowLink>
      ),
    },
    { id: 'state', header: t('state'), cell: ({ state }) => <DeliveryBadge state={state} /> },
    {
      id: 'outcome',
      header: t('deliveries.outcome'),
      cell: ({ attempts, lastStatus, lastError }) => (attempts === 0 ? '' : outcomeOf(lastStatus, lastError)),
    },
    { id: 'attempts', header: t('deliveries.attempts'), align: 'end', cell: ({ attempts }) => attempts },
    { id: 'at', header: t('deliveries.at'), width: '9rem', cell: ({ createdAt }) => <Time at={createdAt} /> },
  ]
  const choose = (state: string) =>
    void navigate({
      to: '/webhooks/$webhook',
      params: { webhook: webhookId },
      search: readDeliverySearch({ state }),
      replace: true,
    })
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label={t('deliveries.filter')}
        value={filter.state ?? ALL}
        onChange={choose}
        data={[ALL, ...DELIVERY_STATES].map((state) => ({ value: state, label: t(`states.${state}`) }))}
      />
      <DataTable
        {...pages}
        label={t('deliveries.title')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<Empty title={t('deliveries.empty.title')}>{t('deliveries.empty.about')}</Empty>}
      />
    </Stack>
  )
}
