import type { Channel } from '@hotpatch/api'
import { Anchor, Button, Switch } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { InForce } from '../ground/in-force.tsx'
import { Page, Section } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty, Loading } from '../ground/states.tsx'
import { ChannelKeys } from './channel-keys.tsx'
import { ProtectionSection } from './protection-section.tsx'
import { toPage } from '../ground/links.tsx'

const route = getRouteApi('/server/apps/$app/channels/$channel')

/** One channel: what it offers, who may choose it, and the keys that name it. */
export function ChannelPage() {
  const { t } = useTranslation('channels')
  const app = useAppSlug()
  const api = useApi()
  const { channel: name } = route.useParams()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'channels'),
    queryFn: () => api.listChannels(app),
  })
  const channel = data?.items.find((each) => each.name === name)
  return (
    <Page
      title={name}
      actions={
        <Anchor component={Link} {...toPage({ to: '/apps/$app/rollouts', params: { app }, search: { channel: name } })}>
          {t('rollouts')}
        </Anchor>
      }
    >
      {error && !data ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Loading rows={4} height={72} />}
      {data && !channel && <Empty title={t('unknown', { channel: name })} />}
      {channel && <Shown app={app} channel={channel} />}
    </Page>
  )
}

function Shown({ app, channel }: { app: string; channel: Channel }) {
  const { t } = useTranslation('channels')
  const api = useApi()
  const navigate = useNavigate()
  const mayChange = useMayHere()('channels:change')
  const [isDeleting, setIsDeleting] = useState(false)
  const { name, deviceChoice } = channel
  const choose = useChange({
    change: (choice: Channel['deviceChoice']) => api.changeChannel(app, name, { deviceChoice: choice }),
    invalidates: [appKey(app, 'channels')],
    done: t('changed'),
  })
  const remove = useChange({
    change: () => api.deleteChannel(app, name),
    invalidates: [appKey(app, 'channels')],
    done: t('deleted', { channel: name }),
    onDone: () => void navigate({ to: '/apps/$app/channels', params: { app } }),
  })
  return (
    <>
      <Section title={t('impact:inForce.title')} about={t('impact:inForce.about')}>
        <InForce app={app} channel={name} />
      </Section>
      <Section title={t('choiceTitle')}>
        <Switch
          label={t('choice')}
          description={t('choiceAbout')}
          checked={deviceChoice === 'open'}
          disabled={!mayChange || choose.isPending}
          onChange={(event) => choose.mutate(event.currentTarget.checked ? 'open' : 'closed')}
        />
        <ProblemPanel error={choose.error} />
      </Section>
      <ProtectionSection app={app} channel={name} />
      <ChannelKeys app={app} channel={name} />
      {mayChange && (
        <Section title={t('deleteTitle')} about={t('deleteAbout')}>
          <Button color="red" variant="outline" onClick={() => setIsDeleting(true)}>
            {t('delete')}
          </Button>
        </Section>
      )}
      <Confirm
        opened={isDeleting}
        onClose={() => setIsDeleting(false)}
        title={t('deleteAsk', { channel: name })}
        action={t('delete')}
        isDangerous
        mustType={name}
        onConfirm={() => remove.mutateAsync()}
      >
        {t('deleteWill')}
      </Confirm>
    </>
  )
}
