import type { App, KeyAlgorithm, SigningKey } from '@hotpatch/api'
import { Badge, Button, Group, Modal, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { CopyValue } from '../ground/copy-command.tsx'
import { Section } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { Time } from '../ground/time.tsx'

const ALGORITHMS = ['ed25519', 'rsa', 'minisign', 'sparkle-ed25519'] as const

export function KeySettings({ app }: { app: App }) {
  const { t } = useTranslation('settings')
  const api = useApi()
  const may = useMay()
  const [isAdding, setIsAdding] = useState(false)
  const [revoked, setRevoked] = useState<SigningKey>()
  const query = useQuery({
    queryKey: appKey(app.slug, 'keys'),
    queryFn: async () => {
      const pages = await Promise.all(ALGORITHMS.map((algorithm) => api.listKeys(app.slug, algorithm)))
      return pages.flatMap((page) => page.items)
    },
  })
  const mayChange = may('keys:change', app.id)
  const revoke = useChange({
    change: (key: SigningKey) => api.revokeKey(app.slug, key.id),
    invalidates: [appKey(app.slug)],
    done: t('keys.revoked'),
  })
  const columns: Column<SigningKey>[] = [
    { id: 'name', header: t('keys.name'), phone: 'title', cell: (key) => key.name },
    { id: 'kind', header: t('keys.kind'), cell: (key) => t(`keys.algorithm.${key.algorithm}`) },
    {
      id: 'key',
      header: t('keys.key'),
      width: '32%',
      cell: (key) => <CopyValue value={key.publicKey} shown={shortened(key)} />,
    },
    { id: 'since', header: t('keys.since'), cell: (key) => <Time at={key.createdAt} /> },
    {
      id: 'state',
      header: t('keys.state'),
      align: 'end',
      cell: (key) => <State signingKey={key} mayChange={mayChange} onRevoke={() => setRevoked(key)} />,
    },
  ]
  const add = mayChange && (
    <Button size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsAdding(true)}>
      {t('keys.add')}
    </Button>
  )
  return (
    <Section title={t('keys.title')} about={t('keys.about')} actions={(query.data?.length ?? 0) > 0 && add}>
      <DataTable
        label={t('keys.title')}
        columns={columns}
        rows={query.data ?? []}
        rowKey={(key) => key.id}
        isLoading={query.isPending}
        error={query.error}
        onRetry={() => void query.refetch()}
        empty={
          <Empty
            title={t('keys.empty')}
            action={add}
            commands={[
              {
                about: t('keys.emptyCommand'),
                command: `npx hotpatch keys generate\nnpx hotpatch keys add --app ${app.slug}`,
              },
            ]}
          >
            {t('keys.emptyAbout')}
          </Empty>
        }
      />
      <AddKey app={app} opened={isAdding} onClose={() => setIsAdding(false)} />
      <Confirm
        opened={revoked !== undefined}
        onClose={() => setRevoked(undefined)}
        title={t('keys.revokeTitle', { name: revoked?.name })}
        action={t('keys.revoke')}
        isDangerous
        onConfirm={() => (revoked ? revoke.mutateAsync(revoked) : Promise.resolve())}
      >
        {t('keys.revokeAbout')}
      </Confirm>
    </Section>
  )
}

function shortened({ publicKey }: SigningKey): string {
  const text = publicKey.replaceAll(/-----[^-]+-----|\s/g, '')
  return text.length > 20 ? `${text.slice(0, 10)}…${text.slice(-6)}` : text
}

function State({
  signingKey,
  mayChange,
  onRevoke,
}: {
  signingKey: SigningKey
  mayChange: boolean
  onRevoke: () => void
}) {
  const { t } = useTranslation('settings')
  if (signingKey.revokedAt !== null) return <Badge color="gray">{t('keys.isRevoked')}</Badge>
  if (!mayChange) return <Badge color="teal">{t('keys.isValid')}</Badge>
  return (
    <Button size="compact-xs" variant="subtle" color="red" onClick={onRevoke}>
      {t('keys.revoke')}
    </Button>
  )
}

function AddKey({ app, opened, onClose }: { app: App; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation('settings')
  const ground = useTranslation('ground').t
  const api = useApi()
  const [algorithm, setAlgorithm] = useState<KeyAlgorithm>('ed25519')
  const [name, setName] = useState('')
  const [publicKey, setPublicKey] = useState('')
  const add = useChange({
    change: () =>
      api.addKey(app.slug, { algorithm, publicKey: publicKey.trim(), ...(name !== '' && { name: name.trim() }) }),
    invalidates: [appKey(app.slug)],
    done: t('keys.added'),
    onDone: () => {
      setName('')
      setPublicKey('')
      onClose()
    },
  })
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('keys.add')}
      centered
      closeButtonProps={{ 'aria-label': ground('close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate()
        }}
      >
        <Stack gap="md">
          {app.signing === 'optional' && algorithm === 'ed25519' && <Text>{t('keys.firstKey')}</Text>}
          <Select
            label={t('keys.kind')}
            data={ALGORITHMS.map((value) => ({ value, label: t(`keys.algorithm.${value}`) }))}
            value={algorithm}
            onChange={(value) => value !== null && setAlgorithm(value)}
            allowDeselect={false}
          />
          <Textarea
            label={t('keys.key')}
            description={t(`keys.form.${algorithm}`)}
            value={publicKey}
            onChange={(event) => setPublicKey(event.currentTarget.value)}
            autosize
            minRows={2}
            maxRows={8}
            required
            spellCheck={false}
          />
          <TextInput
            label={t('keys.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={100}
          />
          <ProblemPanel error={add.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {ground('cancel')}
            </Button>
            <Button type="submit" loading={add.isPending}>
              {t('keys.add')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
