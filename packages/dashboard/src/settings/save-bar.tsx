import { Button, Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { ProblemPanel } from '../ground/problem-panel.tsx'

/** Below a form: what went wrong, and the way to save; or why there is none. */
export function SaveBar({
  error,
  isBusy,
  isChanged,
  isReadOnly,
}: {
  error: unknown
  isBusy: boolean
  isChanged: boolean
  isReadOnly: boolean
}) {
  const { t } = useTranslation('settings')
  if (isReadOnly) return <Text c="dimmed">{t('readOnly')}</Text>
  return (
    <>
      <ProblemPanel error={error} />
      <Group justify="flex-end">
        <Button type="submit" loading={isBusy} disabled={!isChanged}>
          {t('save')}
        </Button>
      </Group>
    </>
  )
}
