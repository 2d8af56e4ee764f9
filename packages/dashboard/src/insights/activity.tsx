import { useTranslation } from 'react-i18next'
import { Figure } from '../ground/charts/figure.tsx'
import { CsvButton } from './csv-button.tsx'
import { FigureStates } from './figure-states.tsx'
import { useInsight, type Asked } from './use-insight.ts'

/** Devices that showed themselves. */
export function ActiveDevices({ slug, search }: Asked) {
  const { t } = useTranslation('insights')
  const query = useInsight(slug, 'active', search, (api, asked) => api.getActiveDevices(slug, asked))
  return (
    <FigureStates title={t('active.title')} query={query}>
      {({ points }) => (
        <Figure
          title={t('active.title')}
          about={t('active.about')}
          actions={<CsvButton slug={slug} search={search} insight={['active']} />}
          kind="bar"
          rows={points}
          xKey="at"
          xLabel={t('time')}
          xKind="time"
          series={[{ key: 'devices', label: t('devices') }]}
          unit={t('devices')}
        />
      )}
    </FigureStates>
  )
}

export function Checks({ slug, search }: Asked) {
  const { t } = useTranslation('insights')
  const query = useInsight(slug, 'checks', search, (api, asked) => api.getChecks(slug, asked))
  return (
    <FigureStates title={t('checks.title')} query={query}>
      {({ points }) => (
        <Figure
          title={t('checks.title')}
          about={t('checks.about')}
          actions={<CsvButton slug={slug} search={search} insight={['checks']} />}
          kind="line"
          rows={points.map(({ at, perMinute }) => ({ at, perMinute }))}
          xKey="at"
          xLabel={t('time')}
          xKind="time"
          series={[{ key: 'perMinute', label: t('checks.perMinute') }]}
          unit={t('checks.perMinute')}
        />
      )}
    </FigureStates>
  )
}
