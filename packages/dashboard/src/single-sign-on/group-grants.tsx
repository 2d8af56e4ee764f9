import type { Role } from '@hotpatch/api'
import { ActionIcon, Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { serverKey } from '../ground/queries.ts'
import { EVERY_APP, type Draft } from './draft.ts'

const ROLES: readonly Role[] = ['owner', 'admin', 'publisher', 'reader']

type GroupGrant = Draft['groups'][number]

export function GroupGrants({
  groups,
  onChange,
}: {
  groups: readonly GroupGrant[]
  onChange: (groups: GroupGrant[]) => void
}) {
  const { t } = useTranslation('single-sign-on')
  const api = useApi()
  const apps = useQuery({ queryKey: serverKey('apps', 'names'), queryFn: () => api.listApps({ limit: 200 }) })
  const places = [
    { value: EVERY_APP, label: t('everyApp') },
    ...(apps.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name })),
  ]
  const replace = (at: number, changes: Partial<GroupGrant>) =>
    onChange(groups.map((grant, index) => (index === at ? { ...grant, ...changes } : grant)))
  return (
    <Stack gap="xs">
      {groups.map(({ group, role, app }, index) => (
        // A row is what it is by its place: what is in it changes while it is typed.
        <Group key={index} gap="xs" align="flex-end">
          <TextInput
            label={t('group')}
            value={group}
            onChange={(event) => replace(index, { group: event.currentTarget.value })}
            flex="2 1 10rem"
          />
          <Select
            label={t('role')}
            data={ROLES.map((each) => ({ value: each, label: t(`roles.${each}`) }))}
            value={role}
            onChange={(chosen) => replace(index, { role: chosen as Role })}
            allowDeselect={false}
            flex="1 1 7rem"
          />
          <Select
            label={t('app')}
            data={places}
            value={app}
            onChange={(chosen) => replace(index, { app: chosen ?? EVERY_APP })}
            allowDeselect={false}
            flex="1 1 8rem"
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={t('removeGroup', { group })}
            onClick={() => onChange(groups.filter((_, at) => at !== index))}
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
          onClick={() => onChange([...groups, { group: '', role: 'reader', app: EVERY_APP }])}
        >
          {t('addGroup')}
        </Button>
      </Group>
    </Stack>
  )
}
