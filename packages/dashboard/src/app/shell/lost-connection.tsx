import { Alert } from '@mantine/core'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Connection } from '../../ground/live.ts'

/** What is shown may be old, and nothing that is typed is lost. */
export function LostConnection({ connection }: { connection: Connection }) {
  const { t } = useTranslation('app')
  return (
    <div role="status" aria-live="polite">
      {connection === 'lost' && (
        <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} mb="md" title={t('lost.title')}>
          {t('lost.detail')}
        </Alert>
      )}
    </div>
  )
}
