import { Button, Group, Modal, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { useMay } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { EventsField } from './events-field.tsx'
import { SecretDialog } from './secret.tsx'
import { useApps } from './use-apps.ts'
import { webhooksKey } from './webhook-keys.ts'

export function NewWebhook({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation('webhooks')
  const { t: ground } = useTranslation('ground')
  const api = useApi()
  const may = useMay()
  const { apps } = useApps()
  const [url, setUrl] = useState('')
  const [app, setApp] = useState<string>()
  const [types, setTypes] = useState<readonly string[] | null>(null)
  const [secret, setSecret] = useState<string>()
  // For all apps it takes an owner of them all.
  const isForAll = may('webhooks:all-apps')
  const chosen = app ?? (isForAll ? '' : (apps[0]?.slug ?? ''))
  const making = useChange({
    change: () =>
      api.createWebhook({
        url: url.trim(),
        ...(chosen !== '' && { app: chosen }),
        ...(types !== null && { types: types as never }),
      }),
    invalidates: [webhooksKey],
    onDone: (made) => {
      setSecret(made.secret)
      setUrl('')
      setTypes(null)
      onClose()
    },
  })
  return (
    <>
      <Modal opened={opened} onClose={onClose} title={t('new')} closeButtonProps={{ 'aria-label': ground('close') }}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            making.mutate()
          }}
        >
          <Stack gap="md">
            <TextInput
              label={t('url')}
              description={t('urlAbout')}
              placeholder="https://example.com/hotpatch"
              type="url"
              required
              data-autofocus
              value={url}
              onChange={(event) => setUrl(event.currentTarget.value)}
            />
            <NativeSelect
              label={t('app')}
              value={chosen}
              onChange={(event) => setApp(event.currentTarget.value)}
              data={[
                ...(isForAll ? [{ value: '', label: t('everyApp') }] : []),
                ...apps.map(({ slug, name }) => ({ value: slug, label: name })),
              ]}
            />
            <EventsField types={types} onChange={setTypes} />
            <ProblemPanel error={making.error} />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={onClose}>
                {ground('cancel')}
              </Button>
              <Button type="submit" loading={making.isPending} disabled={types?.length === 0}>
                {t('make')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
      <SecretDialog secret={secret} note={t('secret.check')} onClose={() => setSecret(undefined)} />
    </>
  )
}
