import type { ChannelKey } from '@hotpatch/api'
import { Badge, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { CopyValue } from '../ground/copy-command.tsx'
import { Section } from '../ground/page.tsx'
import { useMayHere, usePageApp } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { Time } from '../ground/time.tsx'

/** Keys that name the app and this channel: what other systems call deployment keys. */
export function ChannelKeys({ app, channel }: { app: string; channel: string }) {
  const { t } = useTranslation('channels')
  const api = useApi()
  const mayChange = useMayHere()('channels:change')
  const [isMaking, setIsMaking] = useState(false)
  const [revoking, setRevoking] = useState<ChannelKey>()
  const queryKey = appKey(app, 'channel-keys')
  const { data, error, isPending, refetch } = useQuery({ queryKey, queryFn: () => api.listChannelKeys(app) })
  const keys = data?.items.filter((key) => key.channel === channel) ?? []
  const revoke = useChange({
    change: (id: string) => api.revokeChannelKey(app, id),
    invalidates: [queryKey],
    done: t('keys.revoked'),
  })
  const columns: Column<ChannelKey>[] = [
    { id: 'name', header: t('keys.name'), phone: 'title', cell: ({ name }) => name },
    { id: 'key', header: t('keys.key'), cell: ({ key }) => <CopyValue value={key} /> },
    {
      id: 'platform',
      header: t('keys.platform'),
      cell: ({ platform }) => (platform === null ? t('keys.told') : t(`impact:platforms.${platform}`)),
    },
    { id: 'made', header: t('keys.made'), cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      id: 'state',
      header: t('keys.state'),
      cell: (key) =>
        key.revokedAt === null ? (
          mayChange ? (
            <Button size="compact-xs" variant="default" onClick={() => setRevoking(key)}>
              {t('keys.revoke')}
            </Button>
          ) : (
            t('keys.valid')
          )
        ) : (
          <Badge color="gray">{t('keys.revokedState')}</Badge>
        ),
    },
  ]
  return (
    <Section
      title={t('keys.title')}
      about={t('keys.about')}
      actions={
        mayChange && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => setIsMaking(true)}
          >
            {t('keys.new')}
          </Button>
        )
      }
    >
      <DataTable
        label={t('keys.title')}
        columns={columns}
        rows={keys}
        rowKey={({ id }) => id}
        isLoading={isPending}
        error={error}
        onRetry={() => void refetch()}
        empty={<Text c="dimmed">{t('keys.none')}</Text>}
      />
      {isMaking && <NewKeyDialog app={app} channel={channel} onClose={() => setIsMaking(false)} />}
      <Confirm
        opened={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={t('keys.revokeAsk', { name: revoking?.name ?? '' })}
        action={t('keys.revoke')}
        isDangerous
        onConfirm={() => revoke.mutateAsync(revoking?.id ?? '')}
      >
        {t('keys.revokeWill')}
      </Confirm>
    </Section>
  )
}

function NewKeyDialog({ app, channel, onClose }: { app: string; channel: string; onClose: () => void }) {
  const { t } = useTranslation('channels')
  const api = useApi()
  const platforms = usePageApp()?.platforms ?? []
  const [name, setName] = useState('')
  const [platform, setPlatform] = useState<string | null>(null)
  const [key, setKey] = useState('')
  const create = useChange({
    change: () =>
      api.createChannelKey(app, {
        channel,
        ...(name !== '' && { name }),
        ...(platform !== null && { platform: platform as (typeof platforms)[number] }),
        ...(key !== '' && { key }),
      }),
    invalidates: [appKey(app, 'channel-keys')],
    done: t('keys.madeIt'),
    onDone: onClose,
  })
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('keys.new')}
      centered
      closeButtonProps={{ 'aria-label': t('ground:close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <Stack gap="md">
          <TextInput
            label={t('keys.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={100}
            data-autofocus
          />
          <Select
            label={t('keys.platform')}
            description={t('keys.platformAbout')}
            data={platforms.map((each) => ({ value: each, label: t(`impact:platforms.${each}`) }))}
            placeholder={t('keys.told')}
            clearable
            value={platform}
            onChange={setPlatform}
          />
          <TextInput
            label={t('keys.own')}
            description={t('keys.ownAbout')}
            value={key}
            onChange={(event) => setKey(event.currentTarget.value.trim())}
            autoComplete="off"
            spellCheck={false}
          />
          <ProblemPanel error={create.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('ground:cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('keys.make')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
