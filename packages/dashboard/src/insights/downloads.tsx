import type { Downloads as DownloadFigures } from '@hotpatch/api'
import { Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Figure } from '../ground/charts/figure.tsx'
import { useFigures } from '../ground/figures.ts'
import { CsvButton } from './csv-button.tsx'
import { FigureStates } from './figure-states.tsx'
import classes from './insights.module.css'
import { useInsight, type Asked } from './use-insight.ts'

/** What was downloaded, and what patches saved of it. */
export function Downloads(asked: Asked) {
  const { slug, search } = asked
  const { t } = useTranslation('insights')
  const figures = useFigures()
  const query = useInsight(slug, 'downloads', search, (api, query) => api.getDownloads(slug, query))
  return (
    <FigureStates title={t('downloads.title')} query={query}>
      {(found) => (
        <Stack gap="sm">
          <Tiles found={found} />
          <Figure
            title={t('downloads.title')}
            about={t('downloads.about')}
            actions={<CsvButton {...asked} insight={['downloads']} />}
            kind="bar"
            isStacked
            rows={found.points.map(({ at, toldBytes, patchSavedBytes }) => ({ at, toldBytes, patchSavedBytes }))}
            xKey="at"
            xLabel={t('time')}
            xKind="time"
            series={[
              { key: 'toldBytes', label: t('downloads.taken') },
              { key: 'patchSavedBytes', label: t('downloads.saved') },
            ]}
            unit={t('downloads.unit')}
            format={figures.bytes}
          />
        </Stack>
      )}
    </FigureStates>
  )
}

function Tiles({ found }: { found: DownloadFigures }) {
  const { t } = useTranslation('insights')
  const figures = useFigures()
  const { downloads, sentBytes, patches, fullBytes } = found
  const savedShare = fullBytes === 0 ? null : patches.savedBytes / fullBytes
  return (
    <section className={classes.tiles} aria-label={t('downloads.title')}>
      <Tile label={t('downloads.count')}>{figures.number(downloads)}</Tile>
      <Tile label={t('downloads.sent')}>{figures.bytes(sentBytes)}</Tile>
      <Tile
        label={
          savedShare === null
            ? t('downloads.patchesSaved')
            : t('downloads.patchesSavedShare', { share: figures.percentage(savedShare * 100, 0) })
        }
      >
        {figures.bytes(patches.savedBytes)}
      </Tile>
      <Tile label={t('downloads.patched', { fellBack: figures.number(patches.fellBack) })}>
        {figures.number(patches.patched + patches.packed)}
      </Tile>
    </section>
  )
}

function Tile({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={classes.tile}>
      <div className={classes.tileValue}>{children}</div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
    </div>
  )
}
