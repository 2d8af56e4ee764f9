import type { Person, PersonChanges } from '@hotpatch/api'
import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Section } from '../ground/page.tsx'
import { useMayEverywhere } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { peopleKey } from './queries.ts'

/** What somebody else is called, and the e-mail that they sign in with. Whose own it is changes it in the account. */
export function IdentitySection({ person }: { person: Person }) {
  const { t } = useTranslation('people')
  const api = useApi()
  const mayChangeEmail = useMayEverywhere()('people:manage')
  const [name, setName] = useState(person.name)
  const [email, setEmail] = useState(person.email)
  const changes: PersonChanges = {
    ...(name.trim() !== person.name && { name: name.trim() }),
    ...(email.trim() !== person.email && { email: email.trim() }),
  }
  const save = useChange({
    change: () => api.changePerson(person.id, changes),
    invalidates: [peopleKey()],
    done: t('identity.saved'),
  })
  return (
    <Section title={t('identity.title')} about={t('identity.about')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <Stack gap="md">
          <TextInput
            label={t('identity.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={100}
            autoComplete="off"
            required
          />
          <TextInput
            type="email"
            label={t('identity.email')}
            value={email}
            readOnly={!mayChangeEmail}
            {...(!mayChangeEmail && { description: t('identity.emailNotYours') })}
            onChange={(event) => setEmail(event.currentTarget.value)}
            maxLength={254}
            autoComplete="off"
            required
          />
          <ProblemPanel error={save.error} />
          <Group justify="flex-end">
            <Button type="submit" disabled={Object.keys(changes).length === 0} loading={save.isPending}>
              {t('identity.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
