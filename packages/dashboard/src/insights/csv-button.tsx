import { Button } from '@mantine/core'
import { IconFileDownload } from '@tabler/icons-react'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { queryOf, wholeQueryOf, type InsightsSearch } from './insight-range.ts'

/**
 * The figures as the server writes them for spreadsheets.
 * @param insight its address below `insights`, such as `['rollouts', id, 'adoption']`
 */
export function CsvButton({
  slug,
  insight,
  search,
  hasPlaces = true,
}: {
  slug: string
  insight: readonly string[]
  search: InsightsSearch
  /** Whether it can be asked of one platform or channel. */
  hasPlaces?: boolean
}) {
  const { t } = useTranslation('insights')
  const api = useApi()
  const [isBusy, setIsBusy] = useState(false)
  async function download() {
    setIsBusy(true)
    try {
      const query = (hasPlaces ? queryOf : wholeQueryOf)(search, Date.now())
      save(`${slug}-${insight.join('-')}.csv`, await api.getInsightCsv(slug, insight, query))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      notifications.show({ color: 'red', title: t('csvFailed'), message })
    } finally {
      setIsBusy(false)
    }
  }
  return (
    <Button
      variant="default"
      size="compact-sm"
      leftSection={<IconFileDownload size={16} aria-hidden />}
      loading={isBusy}
      onClick={() => void download()}
    >
      {t('csv')}
    </Button>
  )
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
