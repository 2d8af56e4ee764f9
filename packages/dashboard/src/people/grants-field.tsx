import { ROLES, type HeldGrant, type NewPersonGrant, type PersonGrant, type Role } from '@hotpatch/api'
import { ActionIcon, Button, Group, Input, Select, Stack } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../ground/permissions.ts'
import classes from './people.module.css'
import { useApps } from './queries.ts'

/** Of a select, which has no null. */
const EVERYTHING = ''

/** What somebody may do, and where: one role for each place. */
export function GrantsField({
  grants,
  onChange,
  label,
}: {
  grants: readonly PersonGrant[]
  onChange: (grants: PersonGrant[]) => void
  label: string
}) {
  const { t } = useTranslation('people')
  const apps = useApps()
  const places = [
    { value: EVERYTHING, label: t('grants.everything') },
    ...apps.map((app) => ({ value: app.id, label: app.name })),
  ]
  const taken = grants.map(({ appId }) => appId ?? EVERYTHING)
  const free = places.find(({ value }) => !taken.includes(value))
  const change = (at: number, changes: Partial<PersonGrant>) =>
    onChange(grants.map((grant, index) => (index === at ? { ...grant, ...changes } : grant)))

  return (
    <Input.Wrapper label={label} labelElement="div" description={t('grants.about')}>
      <Stack gap="xs" mt={6} role="group" aria-label={label}>
        {grants.map((grant, index) => (
          <Group key={grant.appId ?? EVERYTHING} gap="xs" wrap="nowrap" className={classes.grant}>
            <Select
              aria-label={t('grants.role')}
              data={ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }))}
              value={grant.role}
              onChange={(role) => change(index, { role: role as Role })}
              allowDeselect={false}
              className={classes.role}
            />
            <Select
              aria-label={t('grants.place')}
              data={withOwn(places, grant.appId).filter(
                ({ value }) => value === (grant.appId ?? EVERYTHING) || !taken.includes(value),
              )}
              value={grant.appId ?? EVERYTHING}
              onChange={(place) => change(index, { appId: place === EVERYTHING ? null : place })}
              allowDeselect={false}
              searchable={places.length > 8}
              className={classes.place}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('grants.remove')}
              onClick={() => onChange(grants.filter((_, at) => at !== index))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        {free && (
          <Group>
            <Button
              variant="subtle"
              size="compact-sm"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() =>
                onChange([...grants, { role: 'reader', appId: free.value === EVERYTHING ? null : free.value }])
              }
            >
              {t('grants.add')}
            </Button>
          </Group>
        )}
      </Stack>
    </Input.Wrapper>
  )
}

/** An app may be gone, or one that whoever looks does not see. */
function withOwn(places: readonly { value: string; label: string }[], appId: string | null) {
  const isThere = appId === null || places.some(({ value }) => value === appId)
  return isThere ? [...places] : [...places, { value: appId, label: appId }]
}

/** What whoever invites can give at first: of everything, or of his app. */
export function useFirstGrant(): PersonGrant | undefined {
  const may = useMay()
  const apps = useApps()
  const [app] = apps
  if (may('webhooks:all-apps') || app === undefined) return { role: 'reader', appId: null }
  return { role: 'reader', appId: app.id }
}

export function asInput(grants: readonly PersonGrant[]): NewPersonGrant[] {
  return grants.map(({ role, appId }) => (appId === null ? { role } : { role, app: appId }))
}

/** Such as "Reader of everything, Publisher of Shop (group)". */
export function useGrantText(): (grants: readonly (PersonGrant & Partial<HeldGrant>)[]) => string {
  const { t } = useTranslation('people')
  const apps = useApps()
  function textOf({ role, appId }: PersonGrant): string {
    if (appId === null) return t('grants.ofEverything', { role: t(`role.${role}`) })
    return t('grants.ofApp', { role: t(`role.${role}`), app: apps.find(({ id }) => id === appId)?.name ?? appId })
  }
  return (grants) => {
    if (grants.length === 0) return t('grants.none')
    return grants
      .map((grant) =>
        grant.source === 'single-sign-on' ? t('grants.byGroup', { grant: textOf(grant) }) : textOf(grant),
      )
      .join(', ')
  }
}
