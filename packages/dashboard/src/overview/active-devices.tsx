import type { Overview } from '@hotpatch/api'
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Figure } from '../ground/charts/figure.tsx'
import { useFigures } from '../ground/figures.ts'
import { appKey } from '../ground/queries.ts'
import classes from './overview.module.css'

const DAY_MS = 86_400_000

/** How many there are and how they come. */
export function FleetTiles({ overview }: { overview: Overview }) {
  const { t } = useTranslation('overview')
  const figures = useFigures()
  const { active, known, gone, checks, new: fresh } = overview
  return (
    <section className={classes.tiles} aria-label={t('fleet.title')}>
      <Tile label={t('fleet.day')} about={<Trend trend={active.day.trend} period="day" />}>
        {figures.number(active.day.devices)}
      </Tile>
      <Tile label={t('fleet.week')} about={<Trend trend={active.week.trend} period="week" />}>
        {figures.number(active.week.devices)}
      </Tile>
      <Tile label={t('fleet.month')} about={<Trend trend={active.month.trend} period="month" />}>
        {figures.number(active.month.devices)}
      </Tile>
      <Tile label={t('fleet.known')} about={t('fleet.gone', { count: gone, shown: figures.number(gone) })}>
        {figures.number(known)}
      </Tile>
      <Tile label={t('fleet.new')} about={t('fleet.newAbout')}>
        {figures.number(fresh)}
      </Tile>
      <Tile label={t('fleet.checks')} about={t('fleet.checksAbout', { total: figures.short(checks.total) })}>
        {figures.number(Math.round(checks.perMinute * 100) / 100)}
      </Tile>
    </section>
  )
}

function Tile({ label, about, children }: { label: string; about: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.tile}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <div className={classes.tileValue}>{children}</div>
      <Text size="xs" c="dimmed" component="div">
        {about}
      </Text>
    </div>
  )
}

/** Of the last whole period against the one before. */
function Trend({ trend, period }: { trend: number | null; period: 'day' | 'week' | 'month' }) {
  const { t, i18n } = useTranslation('overview')
  if (trend === null) return t('fleet.noTrend')
  const share = new Intl.NumberFormat(i18n.language, {
    style: 'percent',
    maximumFractionDigits: 1,
    signDisplay: 'exceptZero',
  }).format(trend)
  return t(`fleet.trend.${period}`, { share })
}

/** The last week, hour by hour. */
export function ActiveDevices({ slug }: { slug: string }) {
  const { t } = useTranslation('overview')
  const api = useApi()
  const { data } = useQuery({
    queryKey: appKey(slug, 'insights', 'active', 'overview'),
    queryFn: () =>
      api.getActiveDevices(slug, { from: new Date(Date.now() - 14 * DAY_MS).toISOString(), bucket: 'day' }),
  })
  return (
    <Figure
      title={t('active.title')}
      about={t('active.about')}
      kind="bar"
      rows={data?.points ?? []}
      xKey="at"
      xLabel={t('active.day')}
      xKind="time"
      series={[{ key: 'devices', label: t('active.devices') }]}
      unit={t('active.devices')}
      height={200}
    />
  )
}
