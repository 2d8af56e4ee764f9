import type { Webhook } from '@hotpatch/api'
import { Alert, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page, Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { Deliveries } from './deliveries.tsx'
import { useApps } from './use-apps.ts'
import { WebhookActions } from './webhook-actions.tsx'
import { WebhookForm } from './webhook-form.tsx'
import { webhookKey } from './webhook-keys.ts'
import { WebhookState } from './webhook-state.tsx'

export function WebhookPage() {
  const { t } = useTranslation('webhooks')
  const api = useApi()
  const { webhook: id = '' } = useParams({ strict: false }) as { webhook?: string }
  const {
    data: webhook,
    error,
    isPending,
    refetch,
  } = useQuery({
    queryKey: webhookKey(id),
    queryFn: () => api.getWebhook(id),
  })
  return (
    <Page
      title={webhook?.url ?? t('one')}
      badge={webhook && <WebhookState webhook={webhook} />}
      about={webhook && <About webhook={webhook} />}
      actions={webhook && <WebhookActions webhook={webhook} />}
    >
      <ProblemPanel error={error} onRetry={() => void refetch()} />
      {isPending && <Loading />}
      {webhook && (
        <>
          <Trouble webhook={webhook} />
          <Section title={t('deliveries.title')} about={t('deliveries.about')}>
            <Deliveries webhookId={id} />
          </Section>
          <Section title={t('settings')}>
            <WebhookForm key={webhook.updatedAt} webhook={webhook} />
          </Section>
        </>
      )}
    </Page>
  )
}

function About({ webhook: { appId, createdBy, createdAt } }: { webhook: Webhook }) {
  const { t } = useTranslation('webhooks')
  const { nameOf } = useApps()
  return (
    <>
      {appId === null ? t('everyApp') : nameOf(appId)} · {t('madeBy', { name: createdBy })} <Time at={createdAt} />
    </>
  )
}

function Trouble({ webhook: { disabledReason, failingSince, isEnabled } }: { webhook: Webhook }) {
  const { t } = useTranslation('webhooks')
  if (!isEnabled && disabledReason !== null) {
    return (
      <Alert color="red" title={t('stopped')}>
        <Text>{disabledReason}</Text>
        <Text mt={4}>{t('stoppedAdvice')}</Text>
      </Alert>
    )
  }
  if (failingSince === null || !isEnabled) return null
  return (
    <Alert color="orange" title={t('failing')}>
      {t('failingSince')} <Time at={failingSince} />
    </Alert>
  )
}
