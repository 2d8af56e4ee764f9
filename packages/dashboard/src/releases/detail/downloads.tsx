import type { Patch, Release, ReleaseForms, ReleaseVariant } from '@hotpatch/api'
import { Badge, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { Empty, Loading } from '../../ground/states.tsx'
import { DataTable, type Column } from '../../ground/tables/data-table.tsx'
import { Time } from '../../ground/time.tsx'
import { downloadBytes } from '../release-facts.ts'
import classes from '../releases.module.css'
import { Fact } from './release-overview.tsx'

/** What devices may take instead of the whole, and what that saves. */
export default function Downloads({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const key = (what: string) => appKey(slug, 'releases', what, release.id)
  const patches = useQuery({ queryKey: key('patches'), queryFn: () => api.listPatches(slug, { to: release.id }) })
  const forms = useQuery({ queryKey: key('forms'), queryFn: () => api.listReleaseForms(release.id) })
  const variants = useQuery({
    queryKey: key('variants'),
    queryFn: () => api.listReleaseVariants(slug, release.id),
    enabled: release.content.kind === 'archive',
  })
  const error = patches.error ?? forms.error ?? variants.error
  if (error) return <ProblemPanel error={error} />
  if (!patches.data || !forms.data) return <Loading rows={6} />
  return (
    <Stack gap="lg">
      <Told slug={slug} release={release} />
      <Section title={t('patches.title')} about={t('patches.about')}>
        <PatchTable release={release} patches={patches.data.items} />
      </Section>
      <Section title={t('forms.title')} about={t('forms.about')}>
        <FormTable release={release} forms={forms.data.items} />
      </Section>
      {variants.data && variants.data.items.length > 0 && (
        <Section title={t('variants.title')} about={t('variants.about')}>
          <VariantTable variants={variants.data.items} />
        </Section>
      )}
    </Stack>
  )
}

/** What devices have told of their downloads of it. */
function Told({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const figures = useFigures()
  const { data } = useQuery({
    queryKey: appKey(slug, 'releases', 'told', release.id),
    queryFn: () => {
      const to = new Date()
      const from = new Date(
        Math.max(new Date(release.createdAt).getTime() - 3_600_000, to.getTime() - 399 * 86_400_000),
      )
      return api.getDownloads(slug, { from: from.toISOString(), to: to.toISOString(), bucket: 'day' })
    },
    enabled: true,
  })
  const told = data?.releases.find(({ releaseId }) => releaseId === release.id)
  return (
    <Section title={t('told.title')} about={t('told.about')}>
      <dl className={classes.facts}>
        <Fact label={t('told.whole')}>{figures.bytes(downloadBytes(release))}</Fact>
        <Fact label={t('told.downloads')}>{figures.number(told?.downloads ?? 0)}</Fact>
        <Fact label={t('told.patched')}>{figures.number(told?.patches.patched ?? 0)}</Fact>
        <Fact label={t('told.saved')}>{figures.bytes(Math.max(0, told?.patches.savedBytes ?? 0))}</Fact>
      </dl>
    </Section>
  )
}

function PatchTable({ release, patches }: { release: Release; patches: readonly Patch[] }) {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const columns: Column<Patch>[] = [
    {
      id: 'from',
      header: t('patches.from'),
      phone: 'title',
      cell: ({ from }) => <span className={classes.version}>{from}</span>,
    },
    {
      id: 'state',
      header: t('state'),
      cell: ({ state }) => (
        <Badge color={state === 'made' ? 'teal' : state === 'waiting' ? 'blue' : 'gray'}>
          {t(`patches.states.${state}`)}
        </Badge>
      ),
    },
    { id: 'kind', header: t('patches.kind'), cell: ({ kind }) => t(`patches.kinds.${kind}`) },
    {
      id: 'size',
      header: t('size'),
      align: 'end',
      cell: ({ sizeBytes }) => (sizeBytes === null ? '–' : figures.bytes(sizeBytes)),
    },
    {
      id: 'saves',
      header: t('patches.saves'),
      align: 'end',
      cell: ({ savedShare }) => (savedShare === null ? '–' : figures.percentage(savedShare * 100, 1)),
    },
    {
      id: 'made',
      header: t('patches.madeAt'),
      cell: ({ createdAt, finishedAt }) => <Time at={finishedAt ?? createdAt} />,
    },
  ]
  return (
    <DataTable
      label={t('patches.title')}
      columns={columns}
      rows={patches}
      rowKey={({ id }) => id}
      empty={
        <Empty
          title={t('patches.none')}
          {...(release.content.kind !== 'binary' && {
            commands: [
              {
                about: t('patches.make'),
                command: `npx hotpatch patch --platform ${release.platform} --to ${release.version} --from 1.0.0`,
              },
            ],
          })}
        >
          {t(release.content.kind === 'binary' ? 'patches.noneOfBinary' : 'patches.noneAbout')}
        </Empty>
      }
    />
  )
}

type Form = ReleaseForms['items'][number]

function FormTable({ release, forms }: { release: Release; forms: readonly Form[] }) {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const columns: Column<Form>[] = [
    {
      id: 'form',
      header: t('forms.form'),
      phone: 'title',
      cell: ({ algorithm, isPacked }) =>
        isPacked ? t('forms.packed', { algorithm }) : t('forms.compressed', { algorithm }),
    },
    { id: 'files', header: t('tabs.files'), align: 'end', cell: ({ files }) => figures.number(files) },
    { id: 'full', header: t('forms.full'), align: 'end', cell: ({ fullBytes }) => figures.bytes(fullBytes) },
    { id: 'size', header: t('size'), align: 'end', cell: ({ sizeBytes }) => figures.bytes(sizeBytes) },
    {
      id: 'saves',
      header: t('patches.saves'),
      align: 'end',
      cell: ({ sizeBytes, fullBytes }) => figures.percentage((1 - sizeBytes / Math.max(1, fullBytes)) * 100, 1),
    },
  ]
  return (
    <DataTable
      label={t('forms.title')}
      columns={columns}
      rows={forms}
      rowKey={({ algorithm, files }) => `${algorithm} ${files}`}
      empty={<Text c="dimmed">{t(release.content.kind === 'binary' ? 'forms.noneOfBinary' : 'forms.none')}</Text>}
    />
  )
}

function VariantTable({ variants }: { variants: readonly ReleaseVariant[] }) {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const columns: Column<ReleaseVariant>[] = [
    { id: 'key', header: t('variants.key'), phone: 'title', cell: ({ keyId }) => <code>{keyId}</code> },
    { id: 'algorithm', header: t('variants.algorithm'), cell: ({ algorithm }) => algorithm },
    { id: 'size', header: t('size'), align: 'end', cell: ({ sizeBytes }) => figures.bytes(sizeBytes) },
    { id: 'created', header: t('published'), cell: ({ createdAt }) => <Time at={createdAt} /> },
  ]
  return (
    <DataTable label={t('variants.title')} columns={columns} rows={variants} rowKey={({ id }) => id} empty={null} />
  )
}
