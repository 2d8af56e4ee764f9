import type { RolloutPreview } from '@hotpatch/api'
import { List, Progress, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../api.ts'
import { useFigures } from '../figures.ts'
import { Section } from '../page.tsx'
import { ProblemPanel } from '../problem-panel.tsx'
import { appKey } from '../queries.ts'
import { Loading } from '../states.tsx'
import classes from './rollout-fields.module.css'

const TYPING_MS = 350

export function useReach(app: string, asked: RolloutPreview | undefined) {
  const api = useApi()
  return useQuery({
    queryKey: appKey(app, 'reach', asked),
    queryFn: () => api.previewRollout(app, asked as RolloutPreview),
    enabled: asked !== undefined,
    placeholderData: keepPreviousData,
    staleTime: 0,
  })
}

/** How many of the known devices it would reach, while it is typed. Undefined: nothing can be said yet. */
export function ReachPreview({ app, wanted }: { app: string; wanted: RolloutPreview | undefined }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const [asked] = useDebouncedValue(wanted, TYPING_MS)
  const { data, error, isFetching, refetch } = useReach(app, asked)
  return (
    <Section title={t('reach.title')}>
      <div aria-live="polite" aria-busy={isFetching}>
        {asked === undefined && <Text c="dimmed">{t('reach.chooseFirst')}</Text>}
        {error && asked ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : null}
        {asked !== undefined && !data && !error && <Loading rows={2} />}
        {asked !== undefined && data && !error && (
          <Stack gap="sm" opacity={isFetching ? 0.6 : 1}>
            <Text className={classes.reach}>
              {t('reach.reaches', { count: data.devices, reached: figures.number(data.reached) })}
            </Text>
            <Progress
              value={data.devices === 0 ? 0 : (100 * data.reached) / data.devices}
              aria-label={t('reach.title')}
            />
            {data.alreadyRunning > 0 && <Text>{t('reach.running', { count: data.alreadyRunning })}</Text>}
            {data.missed.length > 0 && (
              <div>
                <Text fw={500}>{t('reach.missed')}</Text>
                <List size="sm" spacing={4} mt={4}>
                  {data.missed.slice(0, 6).map(({ reason, explanation, devices }) => (
                    <List.Item key={reason}>
                      <Text span fw={600}>
                        {figures.number(devices)}
                      </Text>{' '}
                      {t(`reasons:${reason}`, { defaultValue: explanation })}
                    </List.Item>
                  ))}
                </List>
              </div>
            )}
            {!data.isExact && (
              <Text size="xs" c="dimmed">
                {t('impact:estimated')}
              </Text>
            )}
          </Stack>
        )}
      </div>
    </Section>
  )
}
