import type { CreatedApiToken } from '@hotpatch/api'
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CopyCommand } from '../ground/copy-command.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { TokenScope } from './token-scope.tsx'

/** The secret, this once. It goes when the dialog does. */
export function SecretShown({ token, onClose }: { token: CreatedApiToken | undefined; onClose: () => void }) {
  const { t } = useTranslation('tokens')
  return (
    <Modal
      opened={token !== undefined}
      onClose={onClose}
      title={t('secret.title', { name: token?.name ?? '' })}
      size="lg"
      centered
      // A click beside it would lose what is shown once.
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
    >
      {token && (
        <Stack gap="md">
          <Text>{t('secret.about')}</Text>
          <CopyCommand command={token.token} label={t('secret.label')} />
          <TokenScope token={token} />
          <Text>{t('secret.use')}</Text>
          <CopyCommand
            command={`export HOTPATCH_URL=${SERVER_URL}\nread -rs HOTPATCH_TOKEN && export HOTPATCH_TOKEN`}
          />
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('secret.done')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}
