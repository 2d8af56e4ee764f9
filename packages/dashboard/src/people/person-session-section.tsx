import type { Person } from '@hotpatch/api'
import { Button, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { browserName } from '../ground/browser-name.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import classes from './people.module.css'
import { peopleKey } from './queries.ts'

export function PersonSessionSection({ person }: { person: Person }) {
  const { t } = useTranslation('people')
  const api = useApi()
  const [isAsking, setIsAsking] = useState(false)
  const key = peopleKey('sessions', person.id)
  const sessions = useQuery({ queryKey: key, queryFn: () => api.listPersonSessions(person.id) })
  const end = useChange({
    change: () => api.endPersonSessions(person.id),
    invalidates: [key],
    done: t('sessions.ended'),
  })
  const items = sessions.data?.items ?? []
  return (
    <Section
      title={t('sessions.title')}
      actions={
        items.length > 0 && (
          <Button variant="subtle" color="red" size="compact-sm" onClick={() => setIsAsking(true)}>
            {t('sessions.end')}
          </Button>
        )
      }
    >
      <Stack gap="xs">
        <ProblemPanel error={sessions.error} onRetry={() => void sessions.refetch()} />
        {sessions.isPending && <Loading rows={2} height={40} />}
        {sessions.isSuccess && items.length === 0 && <Text c="dimmed">{t('sessions.none')}</Text>}
        <ul className={classes.list}>
          {items.map((session) => (
            <li key={session.id} className={classes.item}>
              <div>
                <Text fw={500}>{browserName(session.browser) ?? t('sessions.unknown')}</Text>
                <Text c="dimmed" size="xs" component="div">
                  {session.address ?? '–'} · {t('sessions.lastUsed')} <Time at={session.lastUsedAt} />
                </Text>
              </div>
            </li>
          ))}
        </ul>
      </Stack>
      <Confirm
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={t('sessions.endTitle', { name: person.name })}
        action={t('sessions.end')}
        isDangerous
        onConfirm={() => end.mutateAsync()}
      >
        {t('sessions.endAbout')}
      </Confirm>
    </Section>
  )
}
