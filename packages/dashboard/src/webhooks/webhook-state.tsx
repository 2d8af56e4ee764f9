import type { Webhook, WebhookDelivery } from '@hotpatch/api'
import { Badge } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export function WebhookState({ webhook: { isEnabled, disabledReason, failingSince } }: { webhook: Webhook }) {
  const { t } = useTranslation('webhooks')
  if (!isEnabled) {
    return (
      <Badge color={disabledReason === null ? 'gray' : 'red'}>
        {t(disabledReason === null ? 'paused' : 'stopped')}
      </Badge>
    )
  }
  return failingSince === null ? <Badge color="teal">{t('on')}</Badge> : <Badge color="orange">{t('failing')}</Badge>
}

const COLORS = { pending: 'blue', delivered: 'teal', failed: 'red' } as const

export function DeliveryBadge({ state }: { state: WebhookDelivery['state'] }) {
  const { t } = useTranslation('webhooks')
  return <Badge color={COLORS[state]}>{t(`states.${state}`)}</Badge>
}

/** What the other side answered, or why it did not. */
export function useOutcome() {
  const { t } = useTranslation('webhooks')
  return (status: number | null, error: string | null) =>
    error ?? (status === null ? t('outcome.none') : t('outcome.status', { status }))
}
