import type { PersonSession } from '@hotpatch/api'
import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import classes from './account.module.css'
import { browserName } from '../ground/browser-name.ts'
import { accountKey } from './queries.ts'

export function SessionSection() {
  const { t } = useTranslation('account')
  const api = useApi()
  const [isAsking, setIsAsking] = useState(false)
  const sessions = useQuery({ queryKey: accountKey('sessions'), queryFn: () => api.listAccountSessions() })
  const end = useChange({
    change: (session: PersonSession) => api.endAccountSession(session.id),
    invalidates: [accountKey('sessions')],
    done: t('sessions.ended'),
  })
  return (
    <Section
      title={t('sessions.title')}
      about={t('sessions.about')}
      actions={
        <Button variant="subtle" color="red" size="compact-sm" onClick={() => setIsAsking(true)}>
          {t('sessions.endAll')}
        </Button>
      }
    >
      <Stack gap="xs">
        <ProblemPanel error={sessions.error ?? end.error} onRetry={() => void sessions.refetch()} />
        {sessions.isPending && <Loading rows={2} height={40} />}
        <ul className={classes.list}>
          {sessions.data?.items.map((session) => (
            <li key={session.id} className={classes.item}>
              <div>
                <Group gap="xs">
                  <Text fw={500}>{browserName(session.browser) ?? t('sessions.unknown')}</Text>
                  {session.isCurrent && <Badge color="teal">{t('sessions.current')}</Badge>}
                </Group>
                <Text c="dimmed" size="xs" component="div">
                  {session.address ?? '–'} · {t('sessions.lastUsed')} <Time at={session.lastUsedAt} />
                </Text>
              </div>
              {!session.isCurrent && (
                <Button
                  variant="default"
                  size="compact-sm"
                  onClick={() => end.mutate(session)}
                  loading={end.isPending && end.variables?.id === session.id}
                >
                  {t('sessions.end')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      </Stack>
      <Confirm
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={t('sessions.endAllTitle')}
        action={t('sessions.endAll')}
        isDangerous
        onConfirm={async () => {
          await api.signOutEverywhere()
          location.reload()
        }}
      >
        {t('sessions.endAllAbout')}
      </Confirm>
    </Section>
  )
}
