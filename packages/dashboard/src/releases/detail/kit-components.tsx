import type { KitContent, KitContentComponent } from '@hotpatch/api'
import { Badge, Group, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { DataTable, type Column } from '../../ground/tables/data-table.tsx'
import classes from '../releases.module.css'

/** Of a kit: what it consists of, in the order in which that is applied. */
export function KitComponents({ content }: { content: KitContent }) {
  const { t } = useTranslation('kits')
  const columns = useColumns()
  return (
    <Section title={t('title')} about={t('about')}>
      <Stack gap="md">
        <KitFacts content={content} />
        <DataTable
          label={t('title')}
          columns={columns}
          rows={content.components}
          rowKey={({ id }) => id}
          empty={undefined}
        />
      </Stack>
    </Section>
  )
}

function KitFacts({ content }: { content: KitContent }) {
  const { t } = useTranslation('kits')
  const nameOf = useProbeName()
  const { channel, severity, expectedDowntimeSeconds, allowsPartial, probe } = content
  const facts: [name: string, value: string][] = [
    [t('facts.channel'), channel],
    [t('facts.severity'), t(`severities.${severity}`)],
    [t('facts.partial'), allowsPartial ? t('facts.takesPart') : t('facts.takesNothing')],
  ]
  if (expectedDowntimeSeconds !== undefined) {
    facts.push([t('facts.downtime'), t('facts.seconds', { count: expectedDowntimeSeconds })])
  }
  if (probe) facts.push([t('facts.probe'), nameOf(probe)])
  return (
    <dl className={classes.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function useColumns(): Column<KitContentComponent>[] {
  const { t } = useTranslation('kits')
  const nameOf = useProbeName()
  return [
    {
      id: 'component',
      header: t('component'),
      phone: 'title',
      cell: ({ id, isOptional, supportsRollback }) => (
        <Group gap={6}>
          <span className={classes.version}>{id}</span>
          {isOptional && <Badge color="gray">{t('optional')}</Badge>}
          {!supportsRollback && <Badge color="orange">{t('irreversible')}</Badge>}
        </Group>
      ),
    },
    { id: 'kind', header: t('kind'), width: '9rem', cell: ({ kind }) => t(`kinds.${kind}`) },
    { id: 'version', header: t('version'), width: '9rem', cell: ({ version }) => version },
    { id: 'order', header: t('order'), width: '5rem', align: 'end', cell: ({ order }) => order },
    { id: 'machines', header: t('machines'), cell: (component) => <Machines component={component} /> },
    { id: 'probe', header: t('probe'), cell: ({ probe }) => (probe ? nameOf(probe) : t('noProbe')) },
  ]
}

/** What each kind of machine takes of it; of what has no file, what is done without one. */
function Machines({ component: { files, repairs = [], migratesTo } }: { component: KitContentComponent }) {
  const { t } = useTranslation('kits')
  const figures = useFigures()
  const lines = [
    ...files.map(({ platform, architecture, sizeBytes }) => {
      const isAny = platform === 'any' && architecture === 'any'
      return `${isAny ? t('anyMachine') : `${platform} · ${architecture}`} (${figures.bytes(sizeBytes)})`
    }),
    ...repairs.map(({ target, keys }) => t('repairs', { target, keys: figures.list(keys) })),
    ...(migratesTo === undefined ? [] : [t('migratesTo', { level: migratesTo })]),
  ]
  return (
    <Stack gap={2}>
      {(lines.length > 0 ? lines : [t('noFile')]).map((line) => (
        <Text key={line} size="sm" className={classes.author}>
          {line}
        </Text>
      ))}
    </Stack>
  )
}

function useProbeName() {
  const { t } = useTranslation('kits')
  return ({ type, path = '/' }: NonNullable<KitContent['probe']>) => t(`probes.${type}`, { path })
}
