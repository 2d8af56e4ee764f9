import type { WebhookAttempt, WebhookDeliveryDetail } from '@hotpatch/api'
import { Button, List, Text } from '@mantine/core'
import { IconArrowLeft, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { CopyCommand, CopyValue } from '../ground/copy-command.tsx'
import { Page, Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { deliveriesKey, webhooksKey } from './webhook-keys.ts'
import { DeliveryBadge, useOutcome } from './webhook-state.tsx'
import { toPage } from '../ground/links.tsx'

/** While it is under way, what becomes of it is looked for. */
const LOOK_MS = 2_000

export function DeliveryPage() {
  const { t } = useTranslation('webhooks')
  const api = useApi()
  const { webhook = '', delivery: id = '' } = useParams({ strict: false }) as { webhook?: string; delivery?: string }
  const {
    data: delivery,
    error,
    isPending,
    refetch,
  } = useQuery({
    queryKey: [...deliveriesKey(webhook), id],
    queryFn: () => api.getDelivery(webhook, id),
    refetchInterval: ({ state }) => (state.data?.state === 'pending' ? LOOK_MS : false),
  })
  const again = useChange({
    change: () => api.redeliver(webhook, id),
    invalidates: [webhooksKey],
    done: t('done.redelivered'),
  })
  const actions = (
    <>
      <Button
        component={Link}
        {...toPage({ to: '/webhooks/$webhook', params: { webhook } })}
        variant="default"
        leftSection={<IconArrowLeft size={16} aria-hidden />}
      >
        {t('one')}
      </Button>
      <Button
        leftSection={<IconRefresh size={16} aria-hidden />}
        loading={again.isPending}
        disabled={!delivery}
        onClick={() => again.mutate()}
      >
        {t('redeliver')}
      </Button>
    </>
  )
  return (
    <Page
      title={delivery?.type ?? t('delivery')}
      badge={delivery && <DeliveryBadge state={delivery.state} />}
      about={delivery && <Next delivery={delivery} />}
      actions={actions}
    >
      <ProblemPanel error={error ?? again.error} onRetry={() => void refetch()} />
      {isPending && <Loading />}
      {delivery && (
        <>
          <Section title={t('attempts.title')}>
            <Attempts log={delivery.log} />
          </Section>
          <Section title={t('payload')} about={<CopyValue value={delivery.messageId} />}>
            <CopyCommand command={JSON.stringify(delivery.payload, null, 2)} label={t('payload')} />
          </Section>
        </>
      )}
    </Page>
  )
}

function Next({ delivery: { nextAttemptAt, finishedAt, createdAt } }: { delivery: WebhookDeliveryDetail }) {
  const { t } = useTranslation('webhooks')
  const at = nextAttemptAt ?? finishedAt ?? createdAt
  return (
    <>
      {t(nextAttemptAt === null ? 'deliveries.finished' : 'deliveries.next')} <Time at={at} />
    </>
  )
}

function Attempts({ log }: { log: readonly WebhookAttempt[] }) {
  const { t } = useTranslation('webhooks')
  const outcomeOf = useOutcome()
  if (log.length === 0) return <Text c="dimmed">{t('attempts.none')}</Text>
  return (
    <List>
      {log.map(({ at, status, error, durationMs }) => (
        <List.Item key={at}>
          <Time at={at} />: {outcomeOf(status, error)} <span>({t('attempts.duration', { ms: durationMs })})</span>
        </List.Item>
      ))}
    </List>
  )
}
