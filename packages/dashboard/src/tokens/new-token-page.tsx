import type { CreatedApiToken, NewApiToken, Role } from '@hotpatch/api'
import { Button, Group, MultiSelect, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useRouter } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Page } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey, serverKey } from '../ground/queries.ts'
import { tokensKey, useApps } from './queries.ts'
import { SecretShown } from './secret-shown.tsx'

const ROLES: readonly Role[] = ['publisher', 'reader', 'admin', 'owner']
const EVERY_APP = ''

interface Draft {
  name: string
  role: Role
  /** Its id; null: not chosen yet. */
  app: string | null
  channels: string[]
  permissions: string[]
  allowedAddresses: string[]
  /** As the field has it, in the time zone of whoever types. */
  expiresAt: string
}

const FIRST: Draft = {
  name: '',
  role: 'publisher',
  app: null,
  channels: [],
  permissions: [],
  allowedAddresses: [],
  expiresAt: '',
}

export function NewTokenPage() {
  const { t } = useTranslation('tokens')
  const api = useApi()
  const router = useRouter()
  const apps = useApps()
  const [draft, setDraft] = useState(FIRST)
  const [made, setMade] = useState<CreatedApiToken>()
  const set = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }))
  const make = useChange({
    change: (token: NewApiToken) => api.createToken(token),
    invalidates: [tokensKey()],
    onDone: setMade,
  })
  const channels = useChannels(draft.app)
  const { t: lets } = useTranslation('permissions')
  const permissions = usePermissions(draft)

  function submit(event: FormEvent) {
    event.preventDefault()
    make.mutate(tokenOf(draft, permissions))
  }

  return (
    <Page title={t('new.title')} about={t('new.about')} isNarrow>
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput
            label={t('name')}
            description={t('new.name')}
            value={draft.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            maxLength={100}
            autoComplete="off"
            required
            data-autofocus
          />
          <Select
            label={t('new.app')}
            placeholder={t('new.chooseApp')}
            data={[
              ...apps.map(({ id, name, slug }) => ({ value: id, label: `${name} (${slug})` })),
              { value: EVERY_APP, label: t('everyApp') },
            ]}
            value={draft.app}
            onChange={(app) => set({ app, channels: [] })}
            allowDeselect={false}
            searchable
            required
          />
          <Select
            label={t('new.role')}
            description={t(`new.roles.${draft.role}`)}
            data={ROLES.map((role) => ({ value: role, label: t(`roles.${role}`) }))}
            value={draft.role}
            onChange={(role) => set({ role: role as Role })}
            allowDeselect={false}
          />
          <MultiSelect
            label={t('new.channels')}
            description={t('new.channelsAbout')}
            {...(draft.channels.length === 0 && { placeholder: t('new.everyChannel') })}
            data={channels}
            value={draft.channels}
            onChange={(chosen) => set({ channels: chosen })}
            disabled={channels.length === 0}
            clearable
          />
          <MultiSelect
            label={t('new.permissions')}
            description={t('new.permissionsAbout')}
            {...(draft.permissions.length === 0 && { placeholder: t('new.everyPermission') })}
            data={permissions}
            // What another role would have had is not asked for.
            value={draft.permissions.filter((name) => permissions.includes(name))}
            onChange={(chosen) => set({ permissions: chosen })}
            renderOption={({ option }) => (
              <div>
                {option.value}
                <Text size="xs" c="dimmed">
                  {lets(option.value.replace(':', '-'), { defaultValue: '' })}
                </Text>
              </div>
            )}
            searchable
            clearable
          />
          <TagsInput
            label={t('new.addresses')}
            description={t('new.addressesAbout')}
            {...(draft.allowedAddresses.length === 0 && { placeholder: '203.0.113.0/24' })}
            value={draft.allowedAddresses}
            onChange={(allowedAddresses) => set({ allowedAddresses })}
            acceptValueOnBlur
          />
          <TextInput
            type="datetime-local"
            label={t('expires')}
            description={t('new.expires', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}
            value={draft.expiresAt}
            onChange={(event) => set({ expiresAt: event.currentTarget.value })}
            maw={280}
          />
          <ProblemPanel error={make.error} />
          <Group justify="flex-end">
            <Button variant="default" component={Link} to="/tokens">
              {t('ground:cancel')}
            </Button>
            <Button type="submit" loading={make.isPending} disabled={draft.app === null}>
              {t('new.action')}
            </Button>
          </Group>
        </Stack>
      </form>
      <SecretShown token={made} onClose={() => void router.navigate({ to: '/tokens' })} />
    </Page>
  )
}

/** Those of the app; none while it is for every app. */
function useChannels(app: string | null): string[] {
  const api = useApi()
  const { data } = useQuery({
    queryKey: appKey(app ?? '', 'channels'),
    queryFn: () => api.listChannels(app ?? ''),
    enabled: app !== null && app !== EVERY_APP,
  })
  return data?.items.map(({ name }) => name) ?? []
}

/** Those that such a token can have. */
function usePermissions({ role, app, channels }: Draft): string[] {
  const api = useApi()
  const { data } = useQuery({ queryKey: serverKey('permissions'), queryFn: () => api.listPermissions() })
  const isForApp = app !== null && app !== EVERY_APP
  return (data?.items ?? [])
    .filter(({ roles }) => roles.includes(role))
    .filter(({ reach }) => reach === 'channel' || (channels.length === 0 && (reach === 'app' || !isForApp)))
    .map(({ name }) => name)
}

function tokenOf({ app, expiresAt, ...draft }: Draft, possible: readonly string[]): NewApiToken {
  const permissions = draft.permissions.filter((name) => possible.includes(name))
  return {
    name: draft.name.trim(),
    role: draft.role,
    ...(app !== null && app !== EVERY_APP && { app }),
    ...(draft.channels.length > 0 && { channels: draft.channels }),
    ...(permissions.length > 0 && { permissions }),
    ...(draft.allowedAddresses.length > 0 && { allowedAddresses: draft.allowedAddresses }),
    ...(expiresAt !== '' && { expiresAt: new Date(expiresAt).toISOString() }),
  }
}
