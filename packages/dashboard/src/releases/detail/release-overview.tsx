import type { Application, Release, Rollout } from '@hotpatch/api'
import { Anchor, Badge, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { CopyValue } from '../../ground/copy-command.tsx'
import { TextLink } from '../../ground/links.tsx'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { appKey } from '../../ground/queries.ts'
import { Empty } from '../../ground/states.tsx'
import { DataTable, type Column } from '../../ground/tables/data-table.tsx'
import { usePages } from '../../ground/tables/use-pages.ts'
import { Time } from '../../ground/time.tsx'
import { downloadBytes, fileCount } from '../release-facts.ts'
import classes from '../releases.module.css'
import { KitComponents } from './kit-components.tsx'

export function ReleaseOverview({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('releases')
  return (
    <Stack gap="lg">
      <Placements slug={slug} release={release} />
      {release.content.kind === 'kit' && <KitComponents content={release.content} />}
      <Section title={t('facts.title')}>
        <Facts release={release} />
      </Section>
      <Section title={t('requirement.title')} about={t('requirement.about')}>
        <Requirement release={release} />
      </Section>
      <Section title={t('notes')}>
        {release.notes === '' ? (
          <Text c="dimmed">{t('noNotes')}</Text>
        ) : (
          <Text className={classes.notes}>{release.notes}</Text>
        )}
      </Section>
      <Applications release={release} />
    </Stack>
  )
}

function Facts({ release }: { release: Release }) {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const { content } = release
  return (
    <dl className={classes.facts}>
      <Fact label={t('published')}>
        <Time at={release.createdAt} /> · {release.createdBy}
      </Fact>
      {release.bytesRemovedAt !== null && (
        <Fact label={t('facts.bytesRemoved')}>
          <Time at={release.bytesRemovedAt} />
        </Fact>
      )}
      <Fact label={t('facts.firstOn')}>{release.channel}</Fact>
      <Fact label={t('content')}>
        {t(`contents.${content.kind}`, { count: fileCount(release) })} · {figures.bytes(downloadBytes(release))}
      </Fact>
      {release.versionCode !== null && <Fact label={t('facts.versionCode')}>{release.versionCode}</Fact>}
      {content.kind === 'files' && content.launch !== undefined && (
        <Fact label={t('facts.launch')}>
          <span className={classes.path}>{content.launch}</span>
        </Fact>
      )}
      {content.kind === 'archive' && content.encryption && (
        <Fact label={t('facts.encrypted')}>
          {t('facts.encryptedFor', { keys: figures.list(content.encryption.keyIds) })}
        </Fact>
      )}
      <Fact label={t('facts.sequence')}>{release.sequence}</Fact>
      {release.floor > 0 && <Fact label={t('facts.floor')}>{t('facts.floorIs', { floor: release.floor })}</Fact>}
      <Fact label={t('facts.id')}>
        <CopyValue value={release.id} />
      </Fact>
      {content.kind !== 'binary' && (
        <Fact label="SHA-256">
          <CopyValue value={content.sha256} shown={`${content.sha256.slice(0, 16)}…`} />
        </Fact>
      )}
      {content.kind === 'archive' && release.bytesRemovedAt === null && (
        <Fact label={t('facts.download')}>
          <Anchor href={content.downloadUrl}>{t('facts.downloadZip')}</Anchor>
        </Fact>
      )}
    </dl>
  )
}

export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Requirement({ release: { requirement } }: { release: Release }) {
  const { t } = useTranslation('releases')
  const told = Object.entries(requirement).filter(([, value]) => value !== undefined)
  if (told.length === 0) return <Text>{t('requirement.none')}</Text>
  return (
    <dl className={classes.facts}>
      {told.map(([name, value]) => (
        <Fact key={name} label={t(`requirement.${name}`)}>
          {[value].flat().join(', ')}
        </Fact>
      ))}
    </dl>
  )
}

/** What its rollouts are, as every screen about them has it. */
function Placements({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const figures = useFigures()
  const pages = usePages({
    queryKey: appKey(slug, 'rollouts', 'of', release.id),
    fetchPage: (cursor) => api.listRollouts(slug, { releaseId: release.id, ...cursor }),
  })
  const columns: Column<Rollout>[] = [
    {
      id: 'channel',
      header: t('channel'),
      phone: 'title',
      cell: (rollout) => (
        <TextLink to="/apps/$app/rollouts" params={{ app: slug }} search={{ channel: rollout.channel }}>
          {rollout.channel}
        </TextLink>
      ),
    },
    {
      id: 'state',
      header: t('state'),
      cell: ({ state, coveredBy, awaitsApproval }) => (
        <Group gap={6}>
          <Badge color={STATE_COLORS[state] ?? 'gray'}>{t(`states.${awaitsApproval ? 'proposed' : state}`)}</Badge>
          {coveredBy && <Text c="dimmed">{t('coveredBy', { version: coveredBy.version ?? t('embedded') })}</Text>}
        </Group>
      ),
    },
    {
      id: 'percentage',
      header: t('percentage'),
      align: 'end',
      cell: ({ percentage }) => figures.percentage(percentage),
    },
    { id: 'mandatory', header: t('mandatory'), cell: ({ mandatory }) => (mandatory ? t('yes') : t('no')) },
    { id: 'created', header: t('placed'), cell: ({ createdAt }) => <Time at={createdAt} /> },
    { id: 'author', header: t('by'), cell: ({ createdBy }) => <span className={classes.author}>{createdBy}</span> },
  ]
  return (
    <Section title={t('placements.title')} about={t('placements.about')}>
      <DataTable
        {...pages}
        label={t('placements.title')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<Empty title={t('placements.none')}>{t('placements.noneAbout')}</Empty>}
      />
    </Section>
  )
}

const STATE_COLORS: Record<string, string> = { active: 'teal', paused: 'yellow', halted: 'red', withdrawn: 'red' }

/** What the files of whole apps say of themselves, beside what those of the release before said. */
function Applications({ release }: { release: Release }) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const isBinary = release.content.kind === 'binary'
  const { data: before } = useQuery({
    queryKey: ['app', release.appId, 'releases', 'before', release.id],
    queryFn: async () => {
      const { before } = await api.compareRelease(release.id, { limit: 1 })
      return before ? api.getRelease(before.id) : null
    },
    enabled: isBinary,
  })
  if (release.content.kind !== 'binary') return null
  const read = release.content.files.flatMap((file) =>
    file.application ? [{ ...file, application: file.application }] : [],
  )
  const earlier = before?.content.kind === 'binary' ? before.content.files : []
  return read.map(({ name, format, application }) => (
    <Section key={name} title={t('application.title', { name })} about={t('application.about')}>
      <ApplicationFacts
        application={application}
        before={earlier.find((each) => each.format === format)?.application}
      />
    </Section>
  ))
}

function ApplicationFacts({ application, before }: { application: Application; before: Application | undefined }) {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const added = before ? application.permissions.filter((each) => !before.permissions.includes(each)) : []
  const isOtherCertificate =
    before !== undefined &&
    before.certificates.join() !== '' &&
    before.certificates.join() !== application.certificates.join()
  return (
    <dl className={classes.facts}>
      <Fact label={t('application.id')}>{application.id}</Fact>
      <Fact label={t('version')}>
        {application.version}
        {application.versionCode !== undefined && ` (${application.versionCode})`}
      </Fact>
      {application.name !== undefined && <Fact label={t('application.name')}>{application.name}</Fact>}
      {application.minOsVersion !== undefined && (
        <Fact label={t('requirement.minOsVersion')}>{application.minOsVersion}</Fact>
      )}
      {application.architectures.length > 0 && (
        <Fact label={t('requirement.architectures')}>{figures.list(application.architectures)}</Fact>
      )}
      {application.provisioning && (
        <Fact label={t('application.provisioning')}>
          {application.provisioning.type} · <Time at={application.provisioning.expiresAt} />
        </Fact>
      )}
      {application.isDebuggable && <Fact label={t('application.debuggable')}>{t('yes')}</Fact>}
      <Fact label={t('application.certificate')}>
        {application.certificates[0] === undefined ? (
          t('application.unsigned')
        ) : (
          <CopyValue value={application.certificates[0]} shown={`${application.certificates[0].slice(0, 16)}…`} />
        )}
        {isOtherCertificate && <Badge color="orange">{t('application.otherCertificate')}</Badge>}
      </Fact>
      {application.permissions.length > 0 && (
        <Fact label={t('application.permissions', { count: application.permissions.length })}>
          <Stack gap={2}>
            {application.permissions.map((permission) => (
              <Group key={permission} gap={6}>
                <Text size="xs">{permission.replace(/^android\.permission\./, '')}</Text>
                {added.includes(permission) && <Badge color="orange">{t('application.new')}</Badge>}
              </Group>
            ))}
          </Stack>
        </Fact>
      )}
    </dl>
  )
}
