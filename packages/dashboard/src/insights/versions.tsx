import type { VersionDistribution } from '@hotpatch/api'
import { useTranslation } from 'react-i18next'
import { Figure } from '../ground/charts/figure.tsx'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { BarTable } from './bar-table.tsx'
import { CsvButton } from './csv-button.tsx'
import { FigureStates } from './figure-states.tsx'
import { useInsight, type Asked } from './use-insight.ts'
import { useVersionNames } from './version-names.ts'

/** More cannot be told apart: the last is all the others. */
const MAX_SERIES = 8

function useVersions({ slug, search }: Asked) {
  return useInsight(slug, 'versions', search, (api, asked) => api.getVersions(slug, asked))
}

export function VersionsOverTime(asked: Asked) {
  const { t } = useTranslation('insights')
  const query = useVersions(asked)
  const nameOf = useVersionNames()
  return (
    <FigureStates title={t('versions.title')} query={query}>
      {(found) => {
        const { names, rows } = seriesOf(found, nameOf, t('others'))
        return (
          <Figure
            title={t('versions.title')}
            about={t('versions.about')}
            actions={<CsvButton {...asked} insight={['versions']} />}
            kind="area"
            isStacked
            rows={rows}
            xKey="at"
            xLabel={t('time')}
            xKind="time"
            series={names.map((label, index) => ({ key: `v${index}`, label }))}
            unit={t('devices')}
            height={280}
          />
        )
      }}
    </FigureStates>
  )
}

/** A column for each version; those beyond what can be told apart are added up. */
function seriesOf(
  { versions, points }: VersionDistribution,
  nameOf: (version: string | null) => string,
  others: string,
): { names: string[]; rows: Record<string, string | number>[] } {
  const shown = versions.length > MAX_SERIES ? MAX_SERIES - 1 : versions.length
  const isFolded = shown < versions.length
  const rows = points.map(({ at, devices }) => {
    const row: Record<string, string | number> = { at }
    for (let index = 0; index < shown; index += 1) row[`v${index}`] = devices[index] ?? 0
    if (isFolded) row[`v${shown}`] = devices.slice(shown).reduce((sum, count) => sum + count, 0)
    return row
  })
  return { names: [...versions.slice(0, shown).map(nameOf), ...(isFolded ? [others] : [])], rows }
}

/** What devices run at this moment. */
export function VersionsNow(asked: Asked) {
  const { t } = useTranslation('insights')
  const query = useVersions(asked)
  const figures = useFigures()
  const nameOf = useVersionNames()
  return (
    <FigureStates title={t('versions.now')} query={query}>
      {({ now }) => (
        <Section title={t('versions.now')} about={t('versions.nowAbout')}>
          <BarTable
            label={t('versions.now')}
            nameHeader={t('version')}
            valueHeader={t('devices')}
            rows={now.map(({ version, devices, share }) => ({
              key: version ?? '',
              name: nameOf(version),
              share,
              value: figures.number(devices),
              shareText: figures.percentage(share * 100, 1),
            }))}
          />
        </Section>
      )}
    </FigureStates>
  )
}
