import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CopyCommand } from '../ground/copy-command.tsx'
import { Time } from '../ground/time.tsx'

/** A link that works once, this once. It goes when the dialog does. */
export function LinkShown({
  link,
  about,
  onClose,
}: {
  link: { link: string; expiresAt: string } | undefined
  about: string
  onClose: () => void
}) {
  const { t } = useTranslation('people')
  return (
    <Modal
      opened={link !== undefined}
      onClose={onClose}
      title={t('link.title')}
      size="lg"
      centered
      // A click beside it would lose what is shown once.
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': t('link.done') }}
    >
      {link && (
        <Stack gap="md">
          <Text>{about}</Text>
          <CopyCommand command={link.link} label={t('link.title')} />
          <Text c="dimmed" size="sm" component="div">
            {t('link.once')} {t('link.until')} <Time at={link.expiresAt} />
          </Text>
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('link.done')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}
