import { SimpleGrid, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '../ground/page.tsx'
import { useAppSlug } from '../ground/routes.ts'
import { ActiveDevices, Checks } from './activity.tsx'
import { Adoption } from './adoption.tsx'
import { Downloads } from './downloads.tsx'
import { InsightFilters } from './insight-filters.tsx'
import { Reasons } from './reasons.tsx'
import { ReleaseHealth } from './release-health.tsx'
import { VersionsNow, VersionsOverTime } from './versions.tsx'

const route = getRouteApi('/server/apps/$app/insights')

export function InsightsPage() {
  const { t } = useTranslation('insights')
  const slug = useAppSlug()
  const search = route.useSearch()
  const asked = { slug, search }
  return (
    <Page title={t('title')} about={t('about')}>
      <InsightFilters {...asked} />
      <Stack gap="lg">
        <Adoption {...asked} />
        <ReleaseHealth {...asked} />
        <VersionsOverTime {...asked} />
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <VersionsNow {...asked} />
          <ActiveDevices {...asked} />
        </SimpleGrid>
        <Reasons {...asked} />
        <Downloads {...asked} />
        <Checks {...asked} />
      </Stack>
    </Page>
  )
}
