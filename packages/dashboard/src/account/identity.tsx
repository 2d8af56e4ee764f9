import type { Person } from '@hotpatch/api'
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { PasswordInput } from '../ground/password-input.tsx'
import { accountKey } from './queries.ts'

export function NameSection({ person }: { person: Person }) {
  const { t } = useTranslation('account')
  const api = useApi()
  const [name, setName] = useState(person.name)
  const save = useChange({
    change: () => api.changeAccount({ name: name.trim() }),
    invalidates: [accountKey(), serverKey('whoami')],
    done: t('you.saved'),
  })
  return (
    <Section title={t('you.title')} about={person.email}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <Stack gap="md">
          <TextInput
            label={t('you.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="name"
            maxLength={100}
            required
            withAsterisk={false}
          />
          <ProblemPanel error={save.error} />
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending} disabled={name.trim() === person.name || name.trim() === ''}>
              {t('you.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

export function PasswordSection({ person }: { person: Person }) {
  const { t } = useTranslation('account')
  const api = useApi()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const change = useChange({
    change: () => api.changePassword({ currentPassword: current, newPassword: next }),
    invalidates: [accountKey()],
    done: t('password.changed'),
    onDone: () => {
      setCurrent('')
      setNext('')
    },
  })
  if (!person.hasPassword) {
    return (
      <Section title={t('password.title')}>
        <Text>{t('password.none')}</Text>
      </Section>
    )
  }
  return (
    <Section title={t('password.title')} about={t('password.about')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate()
        }}
      >
        <Stack gap="md">
          {/* For keepers of passwords, which want to know whose it is. */}
          <input type="email" autoComplete="username" value={person.email} readOnly hidden />
          <PasswordInput
            label={t('password.current')}
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          <PasswordInput
            label={t('password.new')}
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
            autoComplete="new-password"
            minLength={10}
            maxLength={128}
            required
            withAsterisk={false}
          />
          <ProblemPanel error={change.error} />
          <Group justify="flex-end">
            <Button type="submit" loading={change.isPending} disabled={current === '' || next === ''}>
              {t('password.change')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
