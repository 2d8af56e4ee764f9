import type { DeviceWithEvents, TimelineEntry } from '@hotpatch/api'
import { Button, Text, Timeline } from '@mantine/core'
import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconBuildingStore,
  IconCheck,
  IconDownload,
  IconGhost2,
  IconListCheck,
  IconMail,
  IconPlayerPlay,
  IconRefresh,
  IconStethoscope,
  IconX,
  type Icon,
} from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { deviceKey } from './use-device.ts'

const LOOKS: Record<TimelineEntry['kind'], { icon: Icon; color: string }> = {
  checked: { icon: IconRefresh, color: 'gray' },
  offered: { icon: IconMail, color: 'blue' },
  'download-started': { icon: IconDownload, color: 'blue' },
  downloaded: { icon: IconDownload, color: 'blue' },
  'download-failed': { icon: IconX, color: 'orange' },
  applied: { icon: IconPlayerPlay, color: 'blue' },
  confirmed: { icon: IconCheck, color: 'teal' },
  failed: { icon: IconX, color: 'red' },
  'rolled-back': { icon: IconArrowBackUp, color: 'red' },
  crashed: { icon: IconAlertTriangle, color: 'red' },
  planned: { icon: IconListCheck, color: 'blue' },
  probed: { icon: IconStethoscope, color: 'blue' },
  'native-updated': { icon: IconBuildingStore, color: 'teal' },
  'uninstalled-unknown': { icon: IconGhost2, color: 'gray' },
}

/** What happened to the device, newest first. */
export function DeviceTimeline({ slug, device }: { slug: string; device: DeviceWithEvents }) {
  const { t } = useTranslation('devices')
  const { t: ground } = useTranslation('ground')
  const api = useApi()
  const query = useInfiniteQuery({
    queryKey: deviceKey(slug, device.id, 'timeline'),
    queryFn: ({ pageParam }) =>
      api.listTimeline(slug, device.id, { limit: 30, ...(pageParam !== null && { cursor: pageParam }) }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  })
  const entries = query.data?.pages.flatMap(({ items }) => items) ?? []
  const notKept = Math.max(0, ...(query.data?.pages.map(({ eventsNotKept }) => eventsNotKept) ?? []))
  return (
    <Section title={t('timeline.title')}>
      <ProblemPanel error={query.error} onRetry={() => void query.refetch()} />
      {query.isPending && <Loading />}
      {query.data && entries.length === 0 && <Text c="dimmed">{t('timeline.empty')}</Text>}
      <Timeline bulletSize={24} lineWidth={2} active={entries.length}>
        {entries.map((entry) => {
          // Items have to be the timeline's own children: it tells them where they stand.
          const { icon: EntryIcon, color } = LOOKS[entry.kind]
          const what = t(`timeline.kinds.${entry.kind}`, { version: entry.version ?? entry.releaseId ?? t('embedded') })
          const { component } = entry
          return (
            <Timeline.Item
              key={entry.id}
              bullet={<EntryIcon size={14} aria-hidden />}
              color={color}
              title={component === undefined ? what : t('timeline.ofComponent', { component, title: what })}
            >
              <Details entry={entry} />
              <Text c="dimmed" size="xs" component="div">
                <Time at={entry.occurredAt} />
              </Text>
            </Timeline.Item>
          )
        })}
      </Timeline>
      {query.hasNextPage && (
        <Button variant="subtle" onClick={() => void query.fetchNextPage()} loading={query.isFetchingNextPage}>
          {ground('more')}
        </Button>
      )}
      {notKept > 0 && (
        <Text c="dimmed" mt="sm">
          {t('timeline.notKept', { count: notKept })}
        </Text>
      )}
    </Section>
  )
}

function Details({ entry }: { entry: TimelineEntry }) {
  const { t } = useTranslation('devices')
  const { t: reasons } = useTranslation('reasons')
  const figures = useFigures()
  const { kind, code, detail, receivedBytes, arrival, reason, rollout } = entry
  const lines = [
    kind === 'checked' && reason !== null && reasons(reason, { defaultValue: reason }),
    kind === 'offered' && rollout && t('timeline.rollout', rollout),
    receivedBytes !== null &&
      t('timeline.received', {
        bytes: figures.bytes(receivedBytes),
        arrival: t(`timeline.arrivals.${arrival ?? 'untold'}`),
      }),
    code,
    detail,
  ].filter((line) => typeof line === 'string')
  return lines.map((line) => <Text key={line}>{line}</Text>)
}
