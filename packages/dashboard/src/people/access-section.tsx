import type { Person } from '@hotpatch/api'
import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { peopleKey } from './queries.ts'

/** Whether somebody gets in at all. Of oneself it is not shown: nobody ends his own account. */
export function AccessSection({ person }: { person: Person }) {
  const { t } = useTranslation('people')
  const api = useApi()
  const navigate = useNavigate()
  const [asked, setAsked] = useState<'disable' | 'remove'>()
  const [keepTokens, setKeepTokens] = useState(false)
  const setDisabled = useChange({
    change: (disabled: boolean) => api.changePerson(person.id, { disabled }),
    invalidates: [peopleKey()],
    done: ({ disabledAt }) => t(disabledAt === null ? 'access.enabled' : 'access.disabled'),
  })
  const remove = useChange({
    change: () => api.removePerson(person.id, keepTokens ? { keepTokens } : {}),
    done: t('access.removed'),
    onDone: () => void navigate({ to: '/people' }),
    invalidates: [peopleKey('list')],
  })
  return (
    <Section title={t('access.title')} about={t('access.about')}>
      <Stack gap="sm">
        <ProblemPanel error={setDisabled.error} />
        <Group gap="xs">
          {person.disabledAt === null ? (
            <Button variant="default" onClick={() => setAsked('disable')}>
              {t('access.disable')}
            </Button>
          ) : (
            <Button variant="default" onClick={() => setDisabled.mutate(false)} loading={setDisabled.isPending}>
              {t('access.enable')}
            </Button>
          )}
          <Button variant="light" color="red" onClick={() => setAsked('remove')}>
            {t('access.remove')}
          </Button>
        </Group>
      </Stack>
      <Confirm
        opened={asked === 'disable'}
        onClose={() => setAsked(undefined)}
        title={t('access.disableTitle', { name: person.name })}
        action={t('access.disable')}
        isDangerous
        onConfirm={() => setDisabled.mutateAsync(true)}
      >
        {t('access.disableAbout')}
      </Confirm>
      <Confirm
        opened={asked === 'remove'}
        onClose={() => setAsked(undefined)}
        title={t('access.removeTitle', { name: person.name })}
        action={t('access.remove')}
        isDangerous
        mustType={person.email}
        onConfirm={() => remove.mutateAsync()}
      >
        <Stack gap="sm">
          <Text>{t('access.removeAbout')}</Text>
          <Checkbox
            label={t('access.keepTokens')}
            checked={keepTokens}
            onChange={(event) => setKeepTokens(event.currentTarget.checked)}
          />
        </Stack>
      </Confirm>
    </Section>
  )
}
