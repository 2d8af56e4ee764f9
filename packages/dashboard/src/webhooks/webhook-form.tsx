import type { Webhook } from '@hotpatch/api'
import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { EventsField } from './events-field.tsx'
import { webhooksKey } from './webhook-keys.ts'

export function WebhookForm({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation('webhooks')
  const api = useApi()
  const [url, setUrl] = useState(webhook.url)
  const [types, setTypes] = useState<readonly string[] | null>(webhook.types.length === 0 ? null : webhook.types)
  const saving = useChange({
    change: () => api.changeWebhook(webhook.id, { url: url.trim(), types: [...(types ?? [])] as never }),
    invalidates: [webhooksKey],
    done: t('done.saved'),
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        saving.mutate()
      }}
    >
      <Stack gap="md" maw="40rem">
        <TextInput
          label={t('url')}
          description={t('urlAbout')}
          type="url"
          required
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <EventsField types={types} onChange={setTypes} />
        <ProblemPanel error={saving.error} />
        <Group>
          <Button type="submit" loading={saving.isPending} disabled={types?.length === 0}>
            {t('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
