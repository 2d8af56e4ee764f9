import { SegmentedControl, Select, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApp, useChannelNames } from '../ground/app.ts'
import { bucketsOf, DEFAULT_RANGE, dayOf, RANGES, type InsightsSearch } from './insight-range.ts'
import classes from './insights.module.css'

/** What all figures of the page are of; it is in the address. */
export function InsightFilters({ slug, search }: { slug: string; search: InsightsSearch }) {
  const { t } = useTranslation('insights')
  const app = useApp(slug)
  const channels = useChannelNames(slug)
  const navigate = useNavigate()
  const change = (changes: InsightsSearch) =>
    void navigate({
      to: '/apps/$app/insights',
      params: { app: slug },
      search: { ...search, ...changes },
      replace: true,
      resetScroll: false,
    })
  const { range = DEFAULT_RANGE, from, to, bucket, platform, channel } = search
  return (
    <div className={classes.filters} role="search">
      <div className={classes.ranges}>
        <SegmentedControl
          aria-label={t('range')}
          data={RANGES.map((value) => ({ value, label: t(`ranges.${value}`) }))}
          value={range}
          // A bucket of another range may be none of this one.
          onChange={(value) => change({ range: value, bucket: undefined })}
          fullWidth
        />
      </div>
      {range === 'days' && (
        <>
          <Day
            label={t('from')}
            value={from ?? dayOf(Date.now() - 7 * 86_400_000)}
            onChange={(day) => change({ from: day })}
          />
          <Day label={t('to')} value={to ?? dayOf(Date.now())} onChange={(day) => change({ to: day })} />
        </>
      )}
      <Select
        label={t('bucket')}
        placeholder={t('bucketAuto')}
        data={bucketsOf(search, Date.now()).map((value) => ({ value, label: t(`buckets.${value}`) }))}
        value={bucket ?? null}
        onChange={(value) => change({ bucket: value ?? undefined })}
        clearable
      />
      <Select
        label={t('platform')}
        placeholder={t('all')}
        data={(app?.platforms ?? []).map((value) => ({ value, label: t(`platforms.${value}`) }))}
        value={platform ?? null}
        onChange={(value) => change({ platform: value ?? undefined })}
        clearable
      />
      <Select
        label={t('channel')}
        placeholder={t('all')}
        data={[...channels]}
        value={channel ?? null}
        onChange={(value) => change({ channel: value ?? undefined })}
        clearable
        searchable
      />
    </div>
  )
}

function Day({ label, value, onChange }: { label: string; value: string; onChange: (day: string) => void }) {
  return (
    <TextInput
      type="date"
      label={label}
      value={value}
      max={dayOf(Date.now())}
      // What is not whole yet is none.
      onChange={({ currentTarget }) => currentTarget.value !== '' && onChange(currentTarget.value)}
    />
  )
}
