import { Autocomplete, Button, NativeSelect, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconFilterOff, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './audit.module.css'
import type { AuditSearch } from './audit-search.ts'
import { useAppNames } from './use-app-names.ts'

const TYPING_MS = 350
/** What entries begin with; a whole action can be typed, too. */
const ACTIONS = [
  ['answers', 'app', 'appcast', 'channel', 'channel-key', 'cohort', 'device', 'embedded-update', 'experiment', 'guard'],
  ['install-page', 'key', 'patch', 'person', 'proposal', 'release', 'rollout', 'single-sign-on', 'token', 'trust-rule'],
  ['webhook'],
].flat()

type Name = keyof AuditSearch

export function AuditFilters({ search, onChange }: { search: AuditSearch; onChange: (search: AuditSearch) => void }) {
  const { t } = useTranslation('audit')
  const { apps } = useAppNames()
  const [typed, setTyped] = useState<AuditSearch>(search)
  const [shown, setShown] = useState(search)
  // The address is another one, and nobody typed it here: a link, or back.
  if (JSON.stringify(search) !== JSON.stringify(shown)) {
    setShown(search)
    setTyped(search)
  }
  const tell = useDebouncedCallback(onChange, TYPING_MS)

  function set(name: Name, value: string, now: boolean) {
    const { [name]: _, ...rest } = typed
    const next = value === '' ? rest : { ...rest, [name]: value }
    setTyped(next)
    if (!now) return tell(next)
    tell.cancel()
    onChange(next)
  }

  const field = (name: Name) => ({ label: t(`filters.${name}`), value: typed[name] ?? '' })
  return (
    <form
      role="search"
      aria-label={t('filters.label')}
      className={classes.filters}
      onSubmit={(e) => e.preventDefault()}
    >
      <TextInput
        {...field('text')}
        className={classes.wide}
        type="search"
        leftSection={<IconSearch size={16} aria-hidden />}
        onChange={(event) => set('text', event.currentTarget.value, false)}
      />
      <Autocomplete {...field('action')} data={ACTIONS} onChange={(value) => set('action', value, false)} />
      <TextInput {...field('actor')} onChange={(event) => set('actor', event.currentTarget.value, false)} />
      <NativeSelect
        {...field('app')}
        data={[
          { value: '', label: t('filters.everyApp') },
          ...apps.map(({ slug, name }) => ({ value: slug, label: name })),
        ]}
        onChange={(event) => set('app', event.currentTarget.value, true)}
      />
      <TextInput {...field('from')} type="date" onChange={(event) => set('from', event.currentTarget.value, true)} />
      <TextInput {...field('to')} type="date" onChange={(event) => set('to', event.currentTarget.value, true)} />
      {search.subject !== undefined && (
        <TextInput
          {...field('subject')}
          className={classes.wide}
          onChange={(event) => set('subject', event.currentTarget.value, false)}
        />
      )}
      {Object.keys(search).length > 0 && (
        <Button
          variant="default"
          leftSection={<IconFilterOff size={16} aria-hidden />}
          onClick={() => {
            tell.cancel()
            onChange({})
          }}
        >
          {t('filters.clear')}
        </Button>
      )}
    </form>
  )
}
