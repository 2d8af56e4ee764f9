import type { Role, TrustCondition } from '@hotpatch/api'
import { ActionIcon, Button, Fieldset, Group, NumberInput, Select, Stack, TagsInput, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { serverKey } from '../ground/queries.ts'
import { ISSUERS, type IssuerKind } from './issuers.ts'
import { EVERY_APP, type RuleDraft } from './rule-draft.ts'

const ROLES: readonly Role[] = ['publisher', 'reader', 'admin', 'owner']

/** What a rule says, of a new one and of one that is changed. */
export function RuleFields({ draft, onChange }: { draft: RuleDraft; onChange: (draft: RuleDraft) => void }) {
  const { t } = useTranslation('trust-rules')
  const api = useApi()
  const apps = useQuery({ queryKey: serverKey('apps', 'names'), queryFn: () => api.listApps({ limit: 200 }) })
  const choices = (apps.data?.items ?? []).map(({ id, slug, name }) => ({ value: id, label: `${name} (${slug})` }))
  const set = (changes: Partial<RuleDraft>) => onChange({ ...draft, ...changes })

  function choose(kind: IssuerKind) {
    if (kind === 'other') set({ kind, issuer: '', conditions: [{ claim: 'sub', matches: '' }] })
    else set({ kind, issuer: ISSUERS[kind].address, conditions: ISSUERS[kind].conditions })
  }

  return (
    <Stack gap="md">
      <TextInput
        label={t('name')}
        description={t('new.name')}
        value={draft.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        maxLength={100}
        required
        data-autofocus
      />
      <Select
        label={t('new.issuer')}
        data={(['github', 'gitlab', 'other'] as const).map((kind) => ({
          value: kind,
          label: t(`issuers.${kind}`),
        }))}
        value={draft.kind}
        onChange={(kind) => choose(kind as IssuerKind)}
        allowDeselect={false}
      />
      {draft.kind === 'other' && (
        <TextInput
          label={t('new.address')}
          description={t('new.addressAbout')}
          type="url"
          value={draft.issuer}
          onChange={(event) => set({ issuer: event.currentTarget.value })}
          required
        />
      )}
      <Conditions conditions={draft.conditions} onChange={(conditions) => set({ conditions })} />
      <TextInput
        label={t('new.audience')}
        description={t('new.audienceAbout')}
        value={draft.audience}
        onChange={(event) => set({ audience: event.currentTarget.value })}
        required
      />
      <Select
        label={t('new.role')}
        data={ROLES.map((role) => ({ value: role, label: t(`roles.${role}`) }))}
        value={draft.role}
        onChange={(role) => set({ role: role as Role })}
        allowDeselect={false}
      />
      <Select
        label={t('new.app')}
        placeholder={t('new.chooseApp')}
        data={[...choices, { value: EVERY_APP, label: t('everyApp') }]}
        value={draft.app}
        onChange={(app) => set({ app, ...(app === EVERY_APP && { channels: [] }) })}
        allowDeselect={false}
        searchable
        required
      />
      <TagsInput
        label={t('new.channels')}
        description={t('new.channelsAbout')}
        value={draft.channels}
        onChange={(channels) => set({ channels })}
        disabled={draft.app === EVERY_APP}
      />
      {draft.permissions !== null && (
        <TagsInput
          label={t('edit.permissions')}
          description={t('edit.permissionsAbout')}
          value={draft.permissions}
          onChange={(permissions) => set({ permissions })}
        />
      )}
      <NumberInput
        label={t('new.lifetime')}
        min={1}
        max={60}
        allowDecimal={false}
        value={draft.lifetimeMinutes}
        onChange={(minutes) => set({ lifetimeMinutes: Number(minutes) || 15 })}
      />
    </Stack>
  )
}

function Conditions({
  conditions,
  onChange,
}: {
  conditions: readonly TrustCondition[]
  onChange: (conditions: TrustCondition[]) => void
}) {
  const { t } = useTranslation('trust-rules')
  const replace = (at: number, changes: Partial<TrustCondition>) =>
    onChange(conditions.map((condition, index) => (index === at ? { ...condition, ...changes } : condition)))
  return (
    <Fieldset legend={t('new.conditions')}>
      <Stack gap="xs">
        {conditions.map(({ claim, matches }, index) => (
          // A row is what it is by its place: what is in it changes while it is typed.
          <Group key={index} gap="xs" align="flex-end">
            <TextInput
              label={t('new.claim')}
              value={claim}
              onChange={(event) => replace(index, { claim: event.currentTarget.value })}
              autoCapitalize="off"
              required
              flex="1 1 7rem"
            />
            <TextInput
              label={t('new.matches')}
              value={matches}
              onChange={(event) => replace(index, { matches: event.currentTarget.value })}
              autoCapitalize="off"
              required
              flex="2 1 12rem"
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              disabled={conditions.length === 1}
              aria-label={t('new.removeCondition', { claim })}
              onClick={() => onChange(conditions.filter((_, at) => at !== index))}
            >
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        <Group>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => onChange([...conditions, { claim: '', matches: '' }])}
          >
            {t('new.addCondition')}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  )
}
