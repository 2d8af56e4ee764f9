import type { AuditEntry } from '@hotpatch/api'
import { Anchor, Button, Group, Switch, Text, VisuallyHidden } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { CopyValue } from '../ground/copy-command.tsx'
import { Page, Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { Actor } from './actor.tsx'
import classes from './audit.module.css'
import { differences, type Difference } from './difference.ts'
import { useAppNames } from './use-app-names.ts'
import { toPage } from '../ground/links.tsx'

export function EntryPage() {
  const { t } = useTranslation('audit')
  const api = useApi()
  const { entry: id = '' } = useParams({ strict: false }) as { entry?: string }
  const query = useQuery({ queryKey: serverKey('audit-entry', id), queryFn: () => api.getAuditEntry(id) })
  const back = (
    <Button
      component={Link}
      {...toPage({ to: '/audit' })}
      variant="default"
      leftSection={<IconArrowLeft size={16} aria-hidden />}
    >
      {t('title')}
    </Button>
  )
  return (
    <Page title={query.data?.action ?? t('entry')} actions={back}>
      <ProblemPanel error={query.error} onRetry={() => void query.refetch()} />
      {query.isPending && <Loading />}
      {query.data && (
        <>
          <Changes entry={query.data} />
          <Facts entry={query.data} />
        </>
      )}
    </Page>
  )
}

function Changes({ entry: { before, after } }: { entry: AuditEntry }) {
  const { t } = useTranslation('audit')
  const [isWhole, setWhole] = useState(false)
  const rows = differences(before, after)
  const unchanged = rows.filter(({ isChanged }) => !isChanged).length
  const shown = isWhole ? rows : rows.filter(({ isChanged }) => isChanged)
  const toggle = unchanged > 0 && (
    <Switch
      checked={isWhole}
      label={t('difference.unchanged', { count: unchanged })}
      onChange={(event) => setWhole(event.currentTarget.checked)}
    />
  )
  return (
    <Section title={t('difference.title')} actions={toggle}>
      {shown.length === 0 ? (
        <Text c="dimmed">{t('difference.nothing')}</Text>
      ) : (
        <table className={classes.difference}>
          <thead>
            <tr>
              <th scope="col">{t('difference.field')}</th>
              <th scope="col">{t('difference.before')}</th>
              <th scope="col">{t('difference.after')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <DifferenceRow key={row.place} row={row} />
            ))}
          </tbody>
        </table>
      )}
    </Section>
  )
}

/** By its mark, too: not everybody tells the colours apart. */
function DifferenceRow({ row: { place, before, after, isChanged } }: { row: Difference }) {
  const { t } = useTranslation('audit')
  const marked = (value: string | undefined, mark: string, text: string) =>
    value !== undefined && (
      <pre>
        {isChanged && (
          <>
            <span className={classes.mark} aria-hidden>
              {mark}
            </span>
            <VisuallyHidden>{text} </VisuallyHidden>
          </>
        )}
        {value}
      </pre>
    )
  return (
    <tr>
      <th scope="row">{place || t('difference.value')}</th>
      <td className={classes.before} data-changed={(isChanged && before !== undefined) || undefined}>
        {marked(before, '−', t('difference.before'))}
      </td>
      <td className={classes.after} data-changed={(isChanged && after !== undefined) || undefined}>
        {marked(after, '+', t('difference.after'))}
      </td>
    </tr>
  )
}

function Facts({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation('audit')
  const { nameOf } = useAppNames()
  const { appId, subjectKind, subjectId, address, requestId, seal } = entry
  // Of a token, whoever made it: with all that was done by others of his.
  const by = entry.personId ?? entry.actorId
  return (
    <Section title={t('facts.title')}>
      <dl className={classes.facts}>
        <dt>{t('at')}</dt>
        <dd>
          <Time at={entry.at} />
        </dd>
        <dt>{t('actor')}</dt>
        <dd>
          <Group gap="xs">
            <Actor entry={entry} />
            {by !== null && (
              <Anchor component={Link} {...toPage({ to: '/audit', search: { actor: by } })}>
                {t('facts.deeds')}
              </Anchor>
            )}
          </Group>
        </dd>
        <dt>{t('subject')}</dt>
        <dd>
          {subjectKind} <CopyValue value={subjectId} />{' '}
          <Anchor component={Link} {...toPage({ to: '/audit', search: { subject: subjectId } })}>
            {t('facts.history')}
          </Anchor>
        </dd>
        {appId !== null && (
          <>
            <dt>{t('app')}</dt>
            <dd>{nameOf(appId) ?? appId}</dd>
          </>
        )}
        {address !== null && (
          <>
            <dt>{t('facts.address')}</dt>
            <dd>{address}</dd>
          </>
        )}
        {requestId !== null && (
          <>
            <dt>{t('facts.request')}</dt>
            <dd>
              <CopyValue value={requestId} />
            </dd>
          </>
        )}
        <dt>{t('facts.seal')}</dt>
        <dd>
          {seal === null ? (
            t('facts.unsealed')
          ) : (
            <CopyValue value={`${seal.position}:${seal.hash}`} shown={`${seal.position}:${seal.hash.slice(0, 12)}…`} />
          )}
        </dd>
      </dl>
    </Section>
  )
}
