import type { Webhook } from '@hotpatch/api'
import { Button, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { IconChevronDown, IconPlayerPause, IconPlayerPlay, IconRefresh, IconSend, IconTrash } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { SecretDialog } from './secret.tsx'
import { webhookKey, webhooksKey } from './webhook-keys.ts'
import { useOutcome } from './webhook-state.tsx'

/** A pause can be undone and is done at once; a new secret and a removal are asked about. */
export function WebhookActions({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation('webhooks')
  const api = useApi()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const outcomeOf = useOutcome()
  const [isRotating, rotating] = useDisclosure()
  const [isRemoving, removing] = useDisclosure()
  const [secret, setSecret] = useState<string>()
  const { id, isEnabled } = webhook
  const pausing = useChange({
    change: () => api.changeWebhook(id, { isEnabled: !isEnabled }),
    invalidates: [webhooksKey],
    done: isEnabled ? t('done.paused') : t('done.resumed'),
  })
  const testing = useChange({
    change: () => api.testWebhook(id),
    invalidates: [webhooksKey],
    onDone: ({ state, lastStatus, lastError }) =>
      notifications.show({
        message: t(`done.tested.${state}`, { outcome: outcomeOf(lastStatus, lastError) }),
        color: state === 'delivered' ? 'teal' : 'red',
      }),
  })

  async function rotate() {
    const { secret } = await api.rotateWebhookSecret(id)
    setSecret(secret)
    await queries.invalidateQueries({ queryKey: webhookKey(id) })
  }

  async function remove() {
    await api.removeWebhook(id)
    await navigate({ to: '/webhooks' })
    queries.removeQueries({ queryKey: webhookKey(id) })
    await queries.invalidateQueries({ queryKey: webhooksKey })
  }

  return (
    <>
      <ProblemPanel error={pausing.error ?? testing.error} />
      <Button
        variant="default"
        leftSection={<IconSend size={16} aria-hidden />}
        loading={testing.isPending}
        onClick={() => testing.mutate()}
      >
        {t('test')}
      </Button>
      <Button
        variant="default"
        leftSection={isEnabled ? <IconPlayerPause size={16} aria-hidden /> : <IconPlayerPlay size={16} aria-hidden />}
        loading={pausing.isPending}
        onClick={() => pausing.mutate()}
      >
        {isEnabled ? t('pause') : t('resume')}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
            {t('more')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconRefresh size={16} aria-hidden />} onClick={rotating.open}>
            {t('rotate.action')}
          </Menu.Item>
          <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={removing.open}>
            {t('remove.action')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm
        opened={isRotating}
        onClose={rotating.close}
        title={t('rotate.title')}
        action={t('rotate.action')}
        onConfirm={rotate}
      >
        {t('rotate.about')}
      </Confirm>
      <Confirm
        opened={isRemoving}
        onClose={removing.close}
        title={t('remove.title')}
        action={t('remove.action')}
        isDangerous
        onConfirm={remove}
      >
        {t('remove.about', { url: webhook.url })}
      </Confirm>
      <SecretDialog secret={secret} note={t('secret.both')} onClose={() => setSecret(undefined)} />
    </>
  )
}
