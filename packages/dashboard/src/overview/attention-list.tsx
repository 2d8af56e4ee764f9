import type { AttentionItem } from '@hotpatch/api'
import { Button, Text } from '@mantine/core'
import { IconAlertOctagon, IconAlertTriangle, IconCircleCheck, IconInfoCircle, type Icon } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { BASE_PATH } from '../ground/place.ts'
import classes from './overview.module.css'

const REFRESH_MS = 60_000
const ICONS: Record<AttentionItem['severity'], Icon> = {
  critical: IconAlertOctagon,
  warning: IconAlertTriangle,
  notice: IconInfoCircle,
}

/** What does not mend itself, the most severe first. */
export function AttentionList({ slug }: { slug: string }) {
  const { t } = useTranslation('overview')
  const api = useApi()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(slug, 'attention'),
    queryFn: () => api.getAttention({ app: slug }),
    // Some of it comes with time alone.
    refetchInterval: REFRESH_MS,
  })
  return (
    <Section title={t('attention.title')}>
      <ProblemPanel error={error} onRetry={() => void refetch()} />
      {!data && !error && <Loading rows={2} />}
      {data?.items.length === 0 && (
        <Text>
          <IconCircleCheck
            size={18}
            color="var(--mantine-color-teal-text)"
            style={{ verticalAlign: 'middle' }}
            aria-hidden
          />{' '}
          {t('attention.nothing')}
        </Text>
      )}
      {data && data.items.length > 0 && (
        <ul className={classes.items}>
          {data.items.map((item) => (
            <Item key={`${item.kind} ${item.subject.id}`} item={item} />
          ))}
        </ul>
      )}
      {data && data.leftOut > 0 && (
        <Text c="dimmed" mt="xs">
          {t('attention.more', { count: data.leftOut })}
        </Text>
      )}
    </Section>
  )
}

function Item({ item }: { item: AttentionItem }) {
  const { t } = useTranslation('overview')
  const figures = useFigures()
  const router = useRouter()
  const SeverityIcon = ICONS[item.severity]
  const { name } = item.subject
  const end = typeof item.facts.end === 'string' ? figures.dateTime(item.facts.end) : ''
  const facts = { ...item.facts, name, app: item.appSlug ?? '', end }
  return (
    <li className={classes.item} data-severity={item.severity}>
      <SeverityIcon
        size={22}
        className={classes.icon}
        role="img"
        aria-label={t(`attention.severities.${item.severity}`)}
      />
      <div>
        <Text fw={600}>{t(`attention.kinds.${item.kind}.title`, facts)}</Text>
        <Text>{t(`attention.kinds.${item.kind}.what`, { ...facts, defaultValue: item.explanation })}</Text>
        <Text c="dimmed">{t(`attention.kinds.${item.kind}.remedy`, { ...facts, defaultValue: item.remedy })}</Text>
        <Text size="xs" c="dimmed" component="div">
          <Time at={item.since} />
        </Text>
      </div>
      <div>
        <Button
          component="a"
          size="compact-sm"
          variant="default"
          href={`${BASE_PATH}/${item.address}`}
          aria-label={t('attention.goTo', { name })}
          onClick={(event) => {
            // Another window is the browser's to open.
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
            event.preventDefault()
            router.history.push(`${BASE_PATH}/${item.address}`)
          }}
        >
          {t('attention.go')}
        </Button>
      </div>
    </li>
  )
}
