import type { CreatedInvitation, Person } from '@hotpatch/api'
import { Badge, Button, Group, Text } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { SERVER_URL } from '../ground/place.ts'
import { SearchField } from '../ground/search-field.tsx'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { EveryoneSection } from './everyone-section.tsx'
import { useGrantText } from './grants-field.tsx'
import { InviteDialog } from './invite-dialog.tsx'
import { InvitationSection } from './invitation-section.tsx'
import { LinkShown } from './link-shown.tsx'
import classes from './people.module.css'
import { peopleKey } from './queries.ts'

const route = getRouteApi('/server/people')

export function PeoplePage() {
  const { t } = useTranslation('people')
  const api = useApi()
  const { text } = route.useSearch()
  const may = useMay()
  const [isInviting, setIsInviting] = useState(false)
  const [invited, setInvited] = useState<CreatedInvitation>()
  const pages = usePages({
    queryKey: peopleKey('list', text ?? ''),
    fetchPage: (cursor) => api.listPeople({ ...cursor, ...(text !== undefined && { text }) }),
  })
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        <Button leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => setIsInviting(true)}>
          {t('invite.title')}
        </Button>
      }
    >
      <Search />
      <PeopleTable pages={pages} isSearch={text !== undefined} />
      <InvitationSection />
      {may('people:sign-out-all') && <EveryoneSection />}
      <InviteDialog opened={isInviting} onClose={() => setIsInviting(false)} onInvited={setInvited} />
      <LinkShown
        link={invited}
        about={t('invite.give', { email: invited?.email })}
        onClose={() => setInvited(undefined)}
      />
    </Page>
  )
}

/** In the address, so that what was found can be shared. */
function Search() {
  const { t } = useTranslation('people')
  const navigate = useNavigate()
  const { text } = route.useSearch()
  return (
    <SearchField
      className={classes.search}
      aria-label={t('search')}
      placeholder={t('search')}
      value={text}
      onChange={(searched) =>
        void navigate({ to: '/people', search: searched === undefined ? {} : { text: searched }, replace: true })
      }
      maxLength={100}
    />
  )
}

function PeopleTable({ pages, isSearch }: { pages: ReturnType<typeof usePages<Person>>; isSearch: boolean }) {
  const { t } = useTranslation('people')
  const grantText = useGrantText()
  const columns: Column<Person>[] = [
    {
      id: 'name',
      header: t('name'),
      phone: 'title',
      width: '22%',
      cell: (person) => (
        <Group gap="xs" wrap="wrap">
          <RowLink to="/people/$person" params={{ person: person.id }}>
            {person.name}
          </RowLink>
          {person.disabledAt !== null && <Badge color="gray">{t('disabled')}</Badge>}
        </Group>
      ),
    },
    {
      id: 'email',
      header: t('email'),
      width: '24%',
      cell: ({ email }) => <Text className={classes.break}>{email}</Text>,
    },
    { id: 'grants', header: t('grants.title'), cell: ({ grants }) => grantText(grants) },
    { id: 'factor', header: t('factor.title'), width: '14%', cell: (person) => <SecondFactor person={person} /> },
    {
      id: 'signedIn',
      header: t('signedIn'),
      width: '14%',
      cell: ({ signedInAt }) => (signedInAt === null ? t('never') : <Time at={signedInAt} />),
    },
  ]
  return (
    <DataTable
      {...pages}
      label={t('title')}
      columns={columns}
      rowKey={(person) => person.id}
      empty={
        isSearch ? (
          <Empty title={t('empty.search')} />
        ) : (
          <Empty
            title={t('empty.title')}
            commands={[
              {
                about: t('empty.command'),
                command: `npx hotpatch people invite you@example.com --grant owner --url ${SERVER_URL}`,
              },
            ]}
          >
            {t('empty.about')}
          </Empty>
        )
      }
    />
  )
}

function SecondFactor({ person }: { person: Person }) {
  const { t } = useTranslation('people')
  const has = [
    person.hasTotp && t('factor.totp'),
    person.passkeys > 0 && t('factor.passkeys', { count: person.passkeys }),
  ]
  const texts = has.filter((text) => text !== false)
  return texts.length === 0 ? <Text c="dimmed">{t('factor.none')}</Text> : <Text>{texts.join(', ')}</Text>
}
