import type { Channel, ChannelProtection } from '@hotpatch/api'
import { Anchor, Badge, Button, Group } from '@mantine/core'
import { IconLock, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { InForce } from '../ground/in-force.tsx'
import { Page, Section } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Loading } from '../ground/states.tsx'
import { NewChannelDialog } from './new-channel-dialog.tsx'
import { toPage } from '../ground/links.tsx'

export function ChannelsPage() {
  const { t } = useTranslation('channels')
  const app = useAppSlug()
  const api = useApi()
  const mayHere = useMayHere()
  const [isMaking, setIsMaking] = useState(false)
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'channels'),
    queryFn: () => api.listChannels(app),
  })
  const protections = useQuery({
    queryKey: appKey(app, 'protections'),
    queryFn: () => api.listProtections(app),
  })
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        mayHere('channels:change') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsMaking(true)}>
            {t('new')}
          </Button>
        )
      }
    >
      {error && !data ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Loading rows={4} height={72} />}
      {data?.items.map((channel) => (
        <ChannelCard
          key={channel.id}
          app={app}
          channel={channel}
          protection={protections.data?.items.find((each) => each.channel === channel.name)}
        />
      ))}
      {isMaking && <NewChannelDialog app={app} onClose={() => setIsMaking(false)} />}
    </Page>
  )
}

function ChannelCard({
  app,
  channel,
  protection,
}: {
  app: string
  channel: Channel
  protection: ChannelProtection | undefined
}) {
  const { t } = useTranslation('channels')
  const { name, deviceChoice } = channel
  return (
    <Section
      title={name}
      about={
        <Group gap="xs">
          {deviceChoice === 'open' && (
            <Badge color="blue" variant="outline">
              {t('open')}
            </Badge>
          )}
          {protection && (
            <Badge color="grape" variant="outline" leftSection={<IconLock size={12} aria-hidden />}>
              {t(protection.needsApproval ? 'needsApproval' : 'protected')}
            </Badge>
          )}
        </Group>
      }
      actions={
        <Group gap="md">
          <Anchor
            component={Link}
            {...toPage({ to: '/apps/$app/rollouts', params: { app }, search: { channel: name } })}
          >
            {t('rollouts')}
          </Anchor>
          <Anchor
            component={Link}
            aria-label={t('settingsOf', { channel: name })}
            {...toPage({ to: '/apps/$app/channels/$channel', params: { app, channel: name } })}
          >
            {t('settings')}
          </Anchor>
        </Group>
      }
    >
      <InForce app={app} channel={name} />
    </Section>
  )
}
