import type { Passkey, Person } from '@hotpatch/api'
import { Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Time } from '../ground/time.tsx'
import classes from './account.module.css'
import { PasswordAgain } from './password-again.tsx'
import { accountKey } from './queries.ts'

export function PasskeySection({ person }: { person: Person }) {
  const { t } = useTranslation('account')
  const api = useApi()
  const [isAdding, setIsAdding] = useState(false)
  const [removed, setRemoved] = useState<Passkey>()
  const [name, setName] = useState('')
  const passkeys = useQuery({ queryKey: accountKey('passkeys'), queryFn: () => api.listPasskeys() })
  const add = useChange({
    change: async (password: string | undefined) => {
      const { ceremony, options } = await api.beginPasskey(password === undefined ? {} : { password })
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
        options as PublicKeyCredentialCreationOptionsJSON,
      )
      const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential
      const given = name.trim() || t('passkeys.unnamed')
      return api.addPasskey({ ceremony, name: given, response: credential.toJSON() })
    },
    invalidates: [accountKey()],
    done: t('passkeys.added'),
    onDone: () => setName(''),
  })
  const remove = useChange({
    change: (passkey: Passkey) => api.removePasskey(passkey.id),
    invalidates: [accountKey()],
    done: t('passkeys.removed'),
  })
  const isPossible = window.isSecureContext && typeof PublicKeyCredential === 'function'
  const items = passkeys.data?.items ?? []
  return (
    <Section title={t('passkeys.title')} about={t('passkeys.about')}>
      <Stack gap="md">
        <ProblemPanel error={passkeys.error} onRetry={() => void passkeys.refetch()} />
        {items.length > 0 && (
          <ul className={classes.list}>
            {items.map((passkey) => (
              <li key={passkey.id} className={classes.item}>
                <div>
                  <Group gap="xs">
                    <Text fw={500}>{passkey.name}</Text>
                    {passkey.isSynced && <Badge color="gray">{t('passkeys.synced')}</Badge>}
                  </Group>
                  <Text c="dimmed" size="xs" component="div">
                    {t('passkeys.since')} <Time at={passkey.createdAt} />
                  </Text>
                </div>
                <Button variant="subtle" color="red" size="compact-sm" onClick={() => setRemoved(passkey)}>
                  {t('passkeys.remove')}
                </Button>
              </li>
            ))}
          </ul>
        )}
        {isPossible ? (
          <Group gap="xs" align="flex-end">
            <TextInput
              label={t('passkeys.name')}
              placeholder={t('passkeys.nameSuch')}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              maxLength={100}
              flex={1}
            />
            <Button
              variant="default"
              loading={add.isPending}
              onClick={() => (person.hasPassword ? setIsAdding(true) : add.mutate(undefined))}
            >
              {t('passkeys.add')}
            </Button>
          </Group>
        ) : (
          <Text c="dimmed">{t('passkeys.notHere')}</Text>
        )}
        {!person.hasPassword && <ProblemPanel error={add.error} />}
      </Stack>
      <PasswordAgain
        opened={isAdding}
        onClose={() => setIsAdding(false)}
        title={t('passkeys.add')}
        action={t('passkeys.add')}
        onPassword={(password) => add.mutateAsync(password)}
      />
      <Confirm
        opened={removed !== undefined}
        onClose={() => setRemoved(undefined)}
        title={t('passkeys.removeTitle', { name: removed?.name })}
        action={t('passkeys.remove')}
        isDangerous
        onConfirm={() => (removed ? remove.mutateAsync(removed) : Promise.resolve())}
      >
        {t('passkeys.removeAbout')}
      </Confirm>
    </Section>
  )
}
