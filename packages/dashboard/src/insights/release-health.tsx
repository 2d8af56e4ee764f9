import type { Rate, ReleaseHealth as Health } from '@hotpatch/api'
import { Badge, Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../ground/figures.ts'
import { TextLink } from '../ground/links.tsx'
import { Section } from '../ground/page.tsx'
import { CsvButton } from './csv-button.tsx'
import { FigureStates } from './figure-states.tsx'
import classes from './insights.module.css'
import { useInsight, type Asked } from './use-insight.ts'
import { useVersionNames } from './version-names.ts'

type ReleaseRow = Health['releases'][number]
/** Ends of the axis, in shares: the smallest that has everything is taken. */
const SCALES = [0.02, 0.05, 0.1, 0.2, 0.4, 1]

/** Install success, and how sure it is how many crash. */
export function ReleaseHealth(asked: Asked) {
  const { slug, search } = asked
  const { t } = useTranslation('insights')
  const query = useInsight(slug, 'health', search, (api, query) => api.getReleaseHealth(slug, query))
  return (
    <FigureStates title={t('health.title')} query={query}>
      {({ releases }) => (
        <Section
          title={t('health.title')}
          about={t('health.about')}
          actions={<CsvButton {...asked} insight={['releases', 'health']} />}
        >
          <HealthTable slug={slug} releases={releases} />
        </Section>
      )}
    </FigureStates>
  )
}

function HealthTable({ slug, releases }: { slug: string; releases: readonly ReleaseRow[] }) {
  const { t } = useTranslation('insights')
  const { t: ground } = useTranslation('ground')
  const figures = useFigures()
  if (releases.length === 0) return <Text c="dimmed">{ground('figure.empty')}</Text>
  const highest = Math.max(...releases.map(({ bad }) => bad.high ?? 0))
  const scale = SCALES.find((end) => highest <= end) ?? 1
  return (
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={t('health.title')}>
      <table className={`${classes.bars} ${classes.health}`}>
        <thead>
          <tr>
            <th scope="col">{t('release')}</th>
            <th scope="col" data-align="end">
              {t('health.attempted')}
            </th>
            <th scope="col" data-align="end">
              {t('health.succeeded')}
            </th>
            <th scope="col" data-align="end">
              {t('health.crashed')}
            </th>
            <th scope="col" data-align="end">
              {t('health.bad')}
            </th>
            <th scope="col" className={classes.barCell}>
              {t('health.interval')}
              <span className={classes.scale} aria-hidden>
                <span>{figures.percentage(0)}</span>
                <span>{figures.percentage(scale * 50, 1)}</span>
                <span>{figures.percentage(scale * 100)}</span>
              </span>
            </th>
          </tr>
        </thead>
        <tbody>
          {releases.map((release) => (
            <HealthRow key={`${release.platform} ${release.releaseId}`} slug={slug} release={release} scale={scale} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function HealthRow({ slug, release, scale }: { slug: string; release: ReleaseRow; scale: number }) {
  const { t } = useTranslation('insights')
  const figures = useFigures()
  const nameOf = useVersionNames()
  const { releaseId, version, platform, attempted, succeeded, crashed, bad } = release
  return (
    <tr>
      <th scope="row">
        <Group gap={6} wrap="nowrap">
          <Text span fw={500}>
            {nameOf(version)}
          </Text>
          <Badge color="gray" style={{ flexShrink: 0 }}>
            {t(`platforms.${platform}`)}
          </Badge>
        </Group>
      </th>
      <td data-align="end">{figures.number(attempted)}</td>
      <td data-align="end">
        <Share rate={succeeded} />
      </td>
      <td data-align="end">
        <Share rate={crashed} />
      </td>
      <td data-align="end">
        {bad.devices > 0 && releaseId !== null ? (
          <TextLink to="/apps/$app/devices" params={{ app: slug }} search={{ failed: releaseId }}>
            <Share rate={bad} />
          </TextLink>
        ) : (
          <Share rate={bad} />
        )}
      </td>
      <td className={classes.barCell}>
        <Interval rate={bad} scale={scale} />
      </td>
    </tr>
  )
}

function Share({ rate: { share } }: { rate: Rate }) {
  const figures = useFigures()
  return share === null ? '–' : figures.percentage(share * 100, 1)
}

/** A point in its 95 % interval, on the axis of the heading. */
function Interval({ rate: { share, low, high }, scale }: { rate: Rate; scale: number }) {
  const { t } = useTranslation('insights')
  const figures = useFigures()
  if (share === null || low === null || high === null) return <Text c="dimmed">{t('health.nobody')}</Text>
  const at = (value: number) => `${Math.min(100, (value / scale) * 100)}%`
  const text = t('health.between', {
    low: figures.percentage(low * 100, 1),
    high: figures.percentage(high * 100, 1),
  })
  return (
    <>
      <div className={classes.interval} aria-hidden>
        <svg>
          <line x1={at(low)} x2={at(high)} y1="50%" y2="50%" stroke="var(--console-series-2)" strokeWidth={3} />
          <line x1={at(low)} x2={at(low)} y1="20%" y2="80%" stroke="var(--console-series-2)" strokeWidth={2} />
          <line x1={at(high)} x2={at(high)} y1="20%" y2="80%" stroke="var(--console-series-2)" strokeWidth={2} />
          <circle cx={at(share)} cy="50%" r={5} fill="var(--console-series-2)" />
        </svg>
      </div>
      <Text size="xs" c="dimmed">
        {text}
      </Text>
    </>
  )
}
