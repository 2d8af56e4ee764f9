import type { App } from '@hotpatch/api'
import { Alert, Select, Stack, Text, Title } from '@mantine/core'
import { IconLockOpen } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { CopyCommand } from '../ground/copy-command.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { appKey } from '../ground/queries.ts'
import { kindsFor, type ClientKind } from './client-kinds.ts'

/** Which client an app has, and what to put into it, with the app's own values. */
export function ClientSetup({
  app,
  client,
  onChoose,
  isFirstRelease = false,
}: {
  app: App
  client: string | undefined
  onChoose: (client: string) => void
  isFirstRelease?: boolean
}) {
  const { t } = useTranslation('settings')
  const kinds = kindsFor(app)
  const kind = kinds.find(({ id }) => id === client) ?? kinds[0]
  if (!kind) return null
  return (
    <Stack gap="lg">
      <Select
        label={t('clients.which')}
        data={kinds.map(({ id, name }) => ({ value: id, label: name }))}
        value={kind.id}
        onChange={(id) => id !== null && onChoose(id)}
        allowDeselect={false}
        maw={360}
      />
      <Snippets app={app} kind={kind} isFirstRelease={isFirstRelease} />
    </Stack>
  )
}

function Snippets({ app, kind, isFirstRelease }: { app: App; kind: ClientKind; isFirstRelease: boolean }) {
  const { t } = useTranslation('settings')
  const api = useApi()
  const { data: keys } = useQuery({
    queryKey: appKey(app.slug, 'keys', 'ed25519'),
    queryFn: () => api.listKeys(app.slug),
  })
  const publicKeys = (keys?.items ?? []).filter(({ revokedAt }) => revokedAt === null).map((key) => key.publicKey)
  const values = { app, serverUrl: SERVER_URL, channel: 'production', publicKeys }
  return (
    <>
      {kind.needsOpenAccess === true && app.checkAccess !== 'open' && (
        <Alert color="yellow" icon={<IconLockOpen aria-hidden />} title={t('clients.mustBeOpen.title')}>
          {t('clients.mustBeOpen.about', { client: kind.name })}
        </Alert>
      )}
      {kind.snippets(values).map(({ text, code }) => (
        <Stack gap={6} key={text}>
          <Text>{t(`clients.kind.${kind.id}.${text}`)}</Text>
          <CopyCommand command={code} label={t(`clients.kind.${kind.id}.${text}`)} />
        </Stack>
      ))}
      {isFirstRelease && (
        <Stack gap={6}>
          <Title order={3}>{t('clients.publish')}</Title>
          <CopyCommand command={kind.publish(values)} label={t('clients.publish')} />
        </Stack>
      )}
    </>
  )
}
