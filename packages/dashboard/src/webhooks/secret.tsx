import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { IconKey } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { CopyCommand } from '../ground/copy-command.tsx'

/** Shown this once. It closes by its button alone: a slip would lose it. */
export function SecretDialog({
  secret,
  note,
  onClose,
}: {
  secret: string | undefined
  note: string
  onClose: () => void
}) {
  const { t } = useTranslation('webhooks')
  return (
    <Modal
      opened={secret !== undefined}
      onClose={onClose}
      title={t('secret.title')}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      centered
    >
      <Stack gap="md">
        <Alert color="yellow" icon={<IconKey aria-hidden />}>
          {t('secret.once')}
        </Alert>
        <CopyCommand command={secret ?? ''} label={t('secret.label')} />
        <Text>{note}</Text>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('secret.kept')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
