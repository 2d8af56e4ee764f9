import type { ChannelProtection, NewChannelProtection, Role } from '@hotpatch/api'
import { Button, Checkbox, Group, Loader, MultiSelect, Stack, Switch, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Section } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Time } from '../ground/time.tsx'
import { useProtectors, type Choice } from './use-protectors.ts'

const ROLES: readonly Role[] = ['owner', 'admin', 'publisher']
const OWNERS: NewChannelProtection = { roles: ['owner'], people: [], tokens: [], needsApproval: false }

/** Who may publish to this channel, and whether it takes two. */
export function ProtectionSection({ app, channel }: { app: string; channel: string }) {
  const { t } = useTranslation('channels')
  const api = useApi()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'protections'),
    queryFn: () => api.listProtections(app),
  })
  const protection = data?.items.find((each) => each.channel === channel)
  return (
    <Section title={t('protection.title')} about={t('protection.about')}>
      {error && !data ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Loader size="sm" />}
      {data && (
        // Begun anew when somebody else has changed it.
        <Protection key={protection?.updatedAt ?? 'open'} app={app} channel={channel} protection={protection} />
      )}
    </Section>
  )
}

function Protection({
  app,
  channel,
  protection,
}: {
  app: string
  channel: string
  protection: ChannelProtection | undefined
}) {
  const { t } = useTranslation('channels')
  const [isEditing, setIsEditing] = useState(protection !== undefined)
  const mayProtect = useMayHere()('channels:protect')
  if (!isEditing) {
    return (
      <Group justify="space-between" gap="sm">
        <Text>{t('protection.none')}</Text>
        {mayProtect && (
          <Button variant="default" onClick={() => setIsEditing(true)}>
            {t('protection.begin')}
          </Button>
        )}
      </Group>
    )
  }
  return (
    <ProtectionForm
      app={app}
      channel={channel}
      protection={protection}
      isFixed={!mayProtect}
      onCancel={() => setIsEditing(false)}
    />
  )
}

function ProtectionForm({
  app,
  channel,
  protection,
  isFixed,
  onCancel,
}: {
  app: string
  channel: string
  protection: ChannelProtection | undefined
  isFixed: boolean
  onCancel: () => void
}) {
  const { t } = useTranslation('channels')
  const api = useApi()
  const [draft, setDraft] = useState(() => draftOf(protection))
  const [isRemoving, setIsRemoving] = useState(false)
  const protectors = useProtectors()
  const set = (changes: Partial<NewChannelProtection>) => setDraft((before) => ({ ...before, ...changes }))
  const protect = useChange({
    change: () => api.protectChannel(app, channel, draft),
    invalidates: [appKey(app, 'protections')],
    done: t('protection.done'),
  })
  const remove = useChange({
    change: () => api.unprotectChannel(app, channel),
    invalidates: [appKey(app, 'protections')],
    done: t('protection.removed'),
  })
  const { roles = [], people = [], tokens = [], needsApproval = false } = draft
  const isNobody = roles.length + people.length + tokens.length === 0
  const isSame = protection !== undefined && JSON.stringify(draft) === JSON.stringify(draftOf(protection))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        protect.mutate()
      }}
    >
      <Stack gap="md">
        <Checkbox.Group
          label={t('protection.roles')}
          description={t('protection.rolesAbout')}
          value={roles}
          onChange={(roles) => set({ roles })}
        >
          <Group gap="md" mt={8}>
            {ROLES.map((role) => (
              <Checkbox key={role} value={role} label={t(`protection.roleNames.${role}`)} disabled={isFixed} />
            ))}
          </Group>
        </Checkbox.Group>
        <MultiSelect
          label={t('protection.people')}
          description={t('protection.peopleAbout')}
          data={withNamed(protectors.people, people)}
          value={people}
          onChange={(chosen) => set({ people: chosen })}
          disabled={isFixed}
          searchable
        />
        <MultiSelect
          label={t('protection.tokens')}
          description={t('protection.tokensAbout')}
          data={withNamed(protectors.tokens, tokens)}
          value={tokens}
          onChange={(chosen) => set({ tokens: chosen })}
          disabled={isFixed}
          searchable
        />
        <Switch
          label={t('protection.approval')}
          description={t('protection.approvalAbout')}
          checked={needsApproval}
          disabled={isFixed}
          onChange={(event) => set({ needsApproval: event.currentTarget.checked })}
        />
        {protection && (
          <Text c="dimmed" size="sm" component="div">
            {t('protection.by', { name: protection.updatedBy })} · <Time at={protection.updatedAt} />
          </Text>
        )}
        <ProblemPanel error={protect.error} />
        {!isFixed && (
          <Group justify="flex-end" gap="xs">
            {protection ? (
              <Button color="red" variant="outline" onClick={() => setIsRemoving(true)}>
                {t('protection.remove')}
              </Button>
            ) : (
              <Button variant="default" onClick={onCancel}>
                {t('ground:cancel')}
              </Button>
            )}
            <Button type="submit" loading={protect.isPending} disabled={isNobody || isSame}>
              {t('protection.save')}
            </Button>
          </Group>
        )}
      </Stack>
      <Confirm
        opened={isRemoving}
        onClose={() => setIsRemoving(false)}
        title={t('protection.removeAsk', { channel })}
        action={t('protection.remove')}
        isDangerous
        onConfirm={() => remove.mutateAsync()}
      >
        {t('protection.removeWill')}
      </Confirm>
    </form>
  )
}

function draftOf(protection: ChannelProtection | undefined): NewChannelProtection {
  if (!protection) return OWNERS
  const { roles, people, tokens, needsApproval } = protection
  return { roles, people, tokens, needsApproval }
}

/** Somebody may be gone, or be one that whoever looks does not see. */
function withNamed(choices: readonly Choice[], named: readonly string[]): Choice[] {
  const unknown = named.filter((id) => !choices.some(({ value }) => value === id))
  return [...choices, ...unknown.map((id) => ({ value: id, label: id }))]
}
