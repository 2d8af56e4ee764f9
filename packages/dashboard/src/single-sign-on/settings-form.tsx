import type { NewSingleSignOn } from '@hotpatch/api'
import { Button, Checkbox, Fieldset, Group, NumberInput, Stack, TagsInput, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { PasswordInput } from '../ground/password-input.tsx'
import { settingsOf, type Draft } from './draft.ts'
import { GroupGrants } from './group-grants.tsx'

const RULES = ['makesPeople', 'linksPeople', 'believesEmails', 'isOnlyWay'] as const

export function SettingsForm({
  first,
  hasSecret,
  queryKey,
}: {
  first: Draft
  hasSecret: boolean
  queryKey: readonly unknown[]
}) {
  const { t } = useTranslation('single-sign-on')
  const api = useApi()
  const [draft, setDraft] = useState(first)
  const set = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }))
  const save = useChange({
    change: (settings: NewSingleSignOn) => api.setSingleSignOn(settings),
    invalidates: [queryKey],
    done: t('saved'),
  })
  // The secret that is kept goes to no other issuer than the one that it was given for.
  const keepsSecret = hasSecret && draft.issuer === first.issuer

  function submit(event: FormEvent) {
    event.preventDefault()
    save.mutate(settingsOf(draft))
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label={t('name')}
          description={t('nameAbout')}
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          maxLength={50}
          required
        />
        <TextInput
          label={t('issuer')}
          description={t('issuerAbout')}
          type="url"
          value={draft.issuer}
          onChange={(event) => set({ issuer: event.currentTarget.value })}
          required
        />
        <TextInput
          label={t('clientId')}
          value={draft.clientId}
          onChange={(event) => set({ clientId: event.currentTarget.value })}
          autoComplete="off"
          required
        />
        <PasswordInput
          label={t('clientSecret')}
          description={keepsSecret ? t('clientSecretKept') : t('clientSecretAbout')}
          value={draft.clientSecret}
          onChange={(event) => set({ clientSecret: event.currentTarget.value })}
          autoComplete="new-password"
          disabled={draft.isPublicClient}
          required={!draft.isPublicClient && !keepsSecret}
        />
        <Checkbox
          label={t('isPublicClient')}
          checked={draft.isPublicClient}
          onChange={(event) => set({ isPublicClient: event.currentTarget.checked })}
        />
        <Fieldset legend={t('groups')}>
          <Stack gap="md">
            <TextInput
              label={t('groupClaim')}
              description={t('groupClaimAbout')}
              value={draft.groupClaim}
              onChange={(event) => set({ groupClaim: event.currentTarget.value })}
              required
            />
            <GroupGrants groups={draft.groups} onChange={(groups) => set({ groups })} />
          </Stack>
        </Fieldset>
        <Fieldset legend={t('rules')}>
          <Stack gap="sm">
            {RULES.map((rule) => (
              <Checkbox
                key={rule}
                label={t(`${rule}.label`)}
                description={t(`${rule}.about`)}
                checked={draft[rule]}
                onChange={(event) => set({ [rule]: event.currentTarget.checked })}
              />
            ))}
          </Stack>
        </Fieldset>
        <NumberInput
          label={t('sessionHours')}
          description={t('sessionHoursAbout')}
          min={1}
          max={720}
          allowDecimal={false}
          value={draft.sessionHours}
          onChange={(hours) => set({ sessionHours: Number(hours) || 12 })}
        />
        <TagsInput
          label={t('scopes')}
          description={t('scopesAbout')}
          value={draft.scopes}
          onChange={(scopes) => set({ scopes })}
        />
        <ProblemPanel error={save.error} />
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            {t('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
