import type { CreatedResetLink, Person, PersonGrant } from '@hotpatch/api'
import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Page, Section } from '../ground/page.tsx'
import { useWhoami } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { AccessSection } from './access-section.tsx'
import { asInput, GrantsField, useGrantText } from './grants-field.tsx'
import { IdentitySection } from './identity-section.tsx'
import { LinkShown } from './link-shown.tsx'
import { peopleKey } from './queries.ts'
import { ResetDialog } from './reset-dialog.tsx'
import { PersonSessionSection } from './person-session-section.tsx'

const route = getRouteApi('/server/people/$person')

export function PersonPage() {
  const { t } = useTranslation('people')
  const api = useApi()
  const { person: id } = route.useParams()
  const query = useQuery({ queryKey: peopleKey('person', id), queryFn: () => api.getPerson(id) })
  const person = query.data
  if (!person) {
    return (
      <Page title={t('person')} isNarrow>
        {query.isPending ? (
          <Loading rows={6} />
        ) : (
          <ProblemPanel error={query.error} onRetry={() => void query.refetch()} />
        )}
      </Page>
    )
  }
  return <Known person={person} />
}

function Known({ person }: { person: Person }) {
  const { t } = useTranslation('people')
  const whoami = useWhoami()
  const [isResetting, setIsResetting] = useState(false)
  const [link, setLink] = useState<CreatedResetLink>()
  const isOneself = whoami?.kind === 'person' && whoami.id === person.id
  return (
    <Page
      title={person.name}
      about={person.email}
      badge={person.disabledAt !== null && <Badge color="gray">{t('disabled')}</Badge>}
      isNarrow
    >
      <Facts person={person} />
      {!isOneself && <IdentitySection key={`${person.name} ${person.email}`} person={person} />}
      <GrantSection key={JSON.stringify(person.grants)} person={person} />
      {person.disabledAt === null && (
        <Section
          title={t('reset.title')}
          about={t('reset.about')}
          actions={
            <Button variant="default" size="compact-sm" onClick={() => setIsResetting(true)}>
              {t('reset.action')}
            </Button>
          }
        >
          {null}
        </Section>
      )}
      <PersonSessionSection person={person} />
      {!isOneself && <AccessSection person={person} />}
      <ResetDialog person={person} opened={isResetting} onClose={() => setIsResetting(false)} onMade={setLink} />
      <LinkShown link={link} about={t('reset.give', { email: person.email })} onClose={() => setLink(undefined)} />
    </Page>
  )
}

function Facts({ person }: { person: Person }) {
  const { t } = useTranslation('people')
  const ways = [
    person.hasPassword && t('ways.password'),
    person.hasTotp && t('factor.totp'),
    person.passkeys > 0 && t('factor.passkeys', { count: person.passkeys }),
    person.signsInElsewhere && t('ways.elsewhere'),
  ].filter((text) => text !== false)
  return (
    <Text c="dimmed" component="div">
      {t('joined')} <Time at={person.createdAt} /> · {t('signedIn')}{' '}
      {person.signedInAt === null ? t('never') : <Time at={person.signedInAt} />} · {ways.join(', ')}
    </Text>
  )
}

/** Those of groups are not changed here, and not sent: they would be given for good. */
function GrantSection({ person }: { person: Person }) {
  const { t } = useTranslation('people')
  const api = useApi()
  const given = person.grants.filter(({ source }) => source === 'people').map(({ role, appId }) => ({ role, appId }))
  const byGroups = person.grants.filter(({ source }) => source === 'single-sign-on')
  const [grants, setGrants] = useState<PersonGrant[]>(given)
  const save = useChange({
    change: () => api.changePerson(person.id, { grants: asInput(grants) }),
    invalidates: [peopleKey(), serverKey('whoami')],
    done: t('grants.saved'),
  })
  const isChanged = JSON.stringify(grants) !== JSON.stringify(given)
  return (
    <Section title={t('grants.title')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <Stack gap="md">
          <GrantsField label={t('grants.label', { name: person.name })} grants={grants} onChange={setGrants} />
          {byGroups.length > 0 && <GrantsByGroups grants={byGroups} />}
          <ProblemPanel error={save.error} />
          <Group justify="flex-end">
            <Button type="submit" disabled={!isChanged} loading={save.isPending}>
              {t('grants.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

function GrantsByGroups({ grants }: { grants: readonly PersonGrant[] }) {
  const { t } = useTranslation('people')
  const grantText = useGrantText()
  return (
    <div>
      <Text fw={500}>{t('grants.byGroups')}</Text>
      <Text>{grantText(grants.map(({ role, appId }) => ({ role, appId })))}</Text>
      <Text c="dimmed" size="xs">
        {t('grants.byGroupsAbout')}
      </Text>
    </div>
  )
}
