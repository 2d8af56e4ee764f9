import type { Announcement, AnnouncementType } from '@hotpatch/api'
import { Text } from '@mantine/core'
import {
  IconAlertOctagon,
  IconArrowBackUp,
  IconBan,
  IconBox,
  IconCheck,
  IconChecks,
  IconEdit,
  IconHourglass,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerSkipForward,
  IconRocket,
  IconTrash,
  type Icon,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import classes from './overview.module.css'

const SHOWN = 15
const LOOKS: Partial<Record<AnnouncementType, { icon: Icon; color: string }>> = {
  'release.published': { icon: IconBox, color: 'blue' },
  'rollout.started': { icon: IconRocket, color: 'teal' },
  'rollout.changed': { icon: IconEdit, color: 'gray' },
  'rollout.advanced': { icon: IconPlayerSkipForward, color: 'teal' },
  'rollout.paused': { icon: IconPlayerPause, color: 'yellow' },
  'rollout.resumed': { icon: IconPlayerPlay, color: 'teal' },
  'rollout.halted': { icon: IconBan, color: 'red' },
  'rollout.withdrawn': { icon: IconTrash, color: 'gray' },
  'rollout.finished': { icon: IconCheck, color: 'teal' },
  'guard.tripped': { icon: IconAlertOctagon, color: 'red' },
  rollback: { icon: IconArrowBackUp, color: 'orange' },
  'proposal.made': { icon: IconHourglass, color: 'yellow' },
  'proposal.approved': { icon: IconChecks, color: 'teal' },
  'proposal.rejected': { icon: IconBan, color: 'red' },
}
const OTHER = { icon: IconEdit, color: 'gray' }

/** What happened to the app, newest first; told as it happens. */
export function RecentChanges({ slug }: { slug: string }) {
  const { t } = useTranslation('overview')
  const api = useApi()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(slug, 'announcements', 'recent'),
    queryFn: () => api.listAnnouncements({ app: slug, limit: SHOWN }),
  })
  return (
    <Section title={t('changes.title')} about={t('changes.about')}>
      <ProblemPanel error={error} onRetry={() => void refetch()} />
      {!data && !error && <Loading rows={6} />}
      {data?.items.length === 0 && <Text c="dimmed">{t('changes.none')}</Text>}
      <ul className={classes.changes}>
        {data?.items.map((announcement) => (
          <Change key={announcement.id} announcement={announcement} />
        ))}
      </ul>
    </Section>
  )
}

function Change({ announcement: { type, at, data } }: { announcement: Announcement }) {
  const { t } = useTranslation('overview')
  const figures = useFigures()
  const { icon: ChangeIcon, color } = LOOKS[type] ?? OTHER
  const { version, platform, channel, percentage, by } = readData(data)
  const facts = {
    version: version ?? t('embedded'),
    platform: platform === undefined ? '' : t(`platforms.${platform}`),
    channel: channel ?? '',
    percentage: percentage === undefined ? '' : figures.percentage(percentage),
  }
  return (
    <li className={classes.change}>
      <ChangeIcon size={18} color={`var(--mantine-color-${color}-text)`} aria-hidden />
      <div>
        <Text>{t([`changes.types.${type}`, 'changes.types.other'], { ...facts, type })}</Text>
        {by !== undefined && (
          <Text size="xs" c="dimmed">
            {t('changes.by', { by: t(`changes.authors.${by}`, { defaultValue: by }) })}
          </Text>
        )}
      </div>
      <Text size="xs" c="dimmed" component="div">
        <Time at={at} />
      </Text>
    </li>
  )
}

interface ToldChange {
  version?: string | null | undefined
  platform?: string | undefined
  channel?: string | undefined
  percentage?: number | undefined
  by?: string | undefined
}

/** What it is about stands in one of several places. */
function readData(data: Announcement['data']): ToldChange {
  const subject = (data.rollout ?? data.release ?? data.proposal ?? {}) as ToldChange
  return { ...subject, by: typeof data.by === 'string' ? data.by : undefined }
}
