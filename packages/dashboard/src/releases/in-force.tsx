import type { Release } from '@hotpatch/api'
import { Badge, Group, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../ground/figures.ts'

/** On which channels a release is, and for how many: its newest rollout on each. */
export function InForce({ release }: { release: Release }) {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  const newest = new Map((release.inForce ?? []).toReversed().map((each) => [each.channel, each]))
  if (newest.size === 0) return <Text c="dimmed">{t('nowhere')}</Text>
  return (
    <Group gap={6} component="span">
      {[...newest.values()].map(({ channel, state, percentage, startsAt }) => {
        const isLater = startsAt !== null && new Date(startsAt) > new Date()
        const said = state === 'paused' ? t('paused') : isLater ? t('scheduled') : figures.percentage(percentage)
        return (
          <Badge key={channel} color={state === 'paused' || isLater ? 'gray' : 'teal'} maw="16rem">
            {channel} · {said}
          </Badge>
        )
      })}
    </Group>
  )
}
