import type { Invitation } from '@hotpatch/api'
import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { useGrantText } from './grants-field.tsx'
import classes from './people.module.css'
import { peopleKey } from './queries.ts'

/** Those that nobody has taken yet; nothing while there are none. */
export function InvitationSection() {
  const { t } = useTranslation('people')
  const api = useApi()
  const grantText = useGrantText()
  const [asked, setAsked] = useState<Invitation>()
  const pages = usePages({
    queryKey: peopleKey('invitations'),
    fetchPage: (cursor) => api.listInvitations(cursor),
  })
  const withdraw = useChange({
    change: (invitation: Invitation) => api.withdrawInvitation(invitation.id),
    invalidates: [peopleKey('invitations')],
    done: t('invitations.withdrawn'),
  })
  if (pages.rows.length === 0 && !pages.error) return null
  return (
    <Section title={t('invitations.title')} about={t('invitations.about')}>
      <ProblemPanel error={pages.error} onRetry={pages.onRetry} />
      <ul className={classes.list}>
        {pages.rows.map((invitation) => (
          <li key={invitation.id} className={classes.item}>
            <div>
              <Text fw={500} className={classes.break}>
                {invitation.email}
              </Text>
              <Text c="dimmed" size="xs" component="div">
                {grantText(invitation.grants)} · {t('invitations.by', { name: invitation.createdBy })} ·{' '}
                {t('invitations.until')} <Time at={invitation.expiresAt} />
              </Text>
            </div>
            <Button variant="default" size="compact-sm" onClick={() => setAsked(invitation)}>
              {t('invitations.withdraw')}
            </Button>
          </li>
        ))}
      </ul>
      {pages.hasMore && (
        <Button variant="subtle" size="compact-sm" onClick={pages.onMore} loading={pages.isLoadingMore}>
          {t('invitations.more')}
        </Button>
      )}
      <Confirm
        opened={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={t('invitations.withdrawTitle')}
        action={t('invitations.withdraw')}
        isDangerous
        onConfirm={() => (asked ? withdraw.mutateAsync(asked) : Promise.resolve())}
      >
        {t('invitations.withdrawAbout', { email: asked?.email })}
      </Confirm>
    </Section>
  )
}
