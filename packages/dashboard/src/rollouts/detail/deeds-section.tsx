import type { Rollout, RolloutDeed } from '@hotpatch/api'
import { Button, Center, Text, ThemeIcon } from '@mantine/core'
import {
  IconCpu,
  IconKey,
  IconRoute,
  IconServer,
  IconShieldExclamation,
  IconUser,
  type Icon,
} from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { Loading } from '../../ground/states.tsx'
import { usePages } from '../../ground/tables/use-pages.ts'
import { Time } from '../../ground/time.tsx'
import classes from './deeds-section.module.css'

const AUTHORS: Record<string, Icon> = {
  person: IconUser,
  token: IconKey,
  guard: IconShieldExclamation,
  plan: IconRoute,
  server: IconServer,
}

/** Who did what to it, newest first. */
export function DeedsSection({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const pages = usePages({
    queryKey: appKey(app, 'rollout', rollout.id, 'deeds'),
    fetchPage: (cursor) => api.listRolloutDeeds(rollout.id, { ...cursor, limit: 20 }),
  })
  return (
    <Section title={t('deeds.title')}>
      {pages.error ? <ProblemPanel error={pages.error} onRetry={pages.onRetry} /> : null}
      {pages.isLoading && <Loading rows={3} />}
      <ol className={classes.deeds}>
        {pages.rows.map((deed) => (
          <Deed key={deed.id} deed={deed} />
        ))}
      </ol>
      {pages.hasMore && (
        <Center pt="sm">
          <Button variant="subtle" size="xs" onClick={pages.onMore} loading={pages.isLoadingMore}>
            {t('ground:more')}
          </Button>
        </Center>
      )}
    </Section>
  )
}

function Deed({ deed }: { deed: RolloutDeed }) {
  const { t, i18n } = useTranslation('rollouts')
  const AuthorIcon = AUTHORS[deed.byKind] ?? IconCpu
  const key = `deeds.actions.${deed.action.replace('.', '-')}`
  return (
    <li className={classes.deed}>
      <ThemeIcon variant="light" color="gray" size={26} radius="xl" aria-hidden>
        <AuthorIcon size={15} />
      </ThemeIcon>
      <div>
        <Text>
          {i18n.exists(`rollouts:${key}`) ? t(key) : deed.action}
          <Text span c="dimmed">
            {' · '}
            {t(`deeds.by.${deed.byKind}`, { name: deed.by, defaultValue: deed.by })} · <Time at={deed.at} />
          </Text>
        </Text>
        <Changes deed={deed} />
      </div>
    </li>
  )
}

function Changes({ deed: { changes, trip } }: { deed: RolloutDeed }) {
  const { t, i18n } = useTranslation('rollouts')
  const figures = useFigures()
  if (trip) {
    const { bad, sample, lowerPercent, maxBadPercent } = trip.figures
    return (
      <Text size="xs" c="dimmed">
        {t('deeds.trip', {
          bad: figures.number(bad),
          sample: figures.number(sample),
          low: figures.percentage(lowerPercent),
          limit: figures.percentage(maxBadPercent),
        })}
      </Text>
    )
  }
  // That its state is another, the deed says already.
  const told = changes.filter(({ field }) => field !== 'state' && field !== 'guard' && field !== 'plan')
  return (
    <>
      {told.flatMap(({ field, before, after }) =>
        fieldsOf(field, before, after).map(([name, was, is]) => (
          <Text key={name} size="xs" c="dimmed">
            {i18n.exists(`rollouts:deeds.fields.${name}`) ? t(`deeds.fields.${name}`) : name}: {write(was)} →{' '}
            {write(is)}
          </Text>
        )),
      )}
    </>
  )
}

/** What is an object, field by field. */
function fieldsOf(field: string, before: unknown, after: unknown): [string, unknown, unknown][] {
  if (field !== 'settings' || typeof before !== 'object' || typeof after !== 'object') return [[field, before, after]]
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>]
  return Object.keys(is ?? {})
    .filter((name) => JSON.stringify(was?.[name]) !== JSON.stringify(is[name]))
    .map((name) => [name, was?.[name], is[name]])
}

function write(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map((each) => write(each)).join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
