import type { ApiToken } from '@hotpatch/api'
import { Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApps } from './queries.ts'

/** What it may do, where, and from where. */
export function TokenScope({
  token: { role, appId, channels, permissions, allowedAddresses },
}: {
  token: Pick<ApiToken, 'role' | 'appId' | 'channels' | 'permissions' | 'allowedAddresses'>
}) {
  const { t } = useTranslation('tokens')
  const apps = useApps()
  const app = appId === null ? t('everyApp') : (apps.find(({ id }) => id === appId)?.name ?? appId)
  return (
    <Stack gap={2}>
      <Text size="sm">{[t(`roles.${role}`), app, ...(channels ?? [])].join(', ')}</Text>
      {permissions && <Detail label={t('only')} values={permissions} />}
      {allowedAddresses && <Detail label={t('from')} values={allowedAddresses} />}
    </Stack>
  )
}

function Detail({ label, values }: { label: string; values: readonly string[] }) {
  return (
    <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
      {label} <span style={{ fontFamily: 'var(--mantine-font-family-monospace)' }}>{values.join(', ')}</span>
    </Text>
  )
}
