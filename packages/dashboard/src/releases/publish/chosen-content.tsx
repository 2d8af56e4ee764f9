import { Alert, Button, Group, List, Progress, SegmentedControl, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconPlugConnectedX, IconRefresh } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../../ground/figures.ts'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import classes from './publish.module.css'
import type { ContentChoice, Recognised } from './recognise.ts'
import type { Bringing } from './use-bringing.ts'

const SHOWN = 5

/** What will be published, and how far it is on its way. */
export function ChosenContent({
  recognised,
  choice,
  onChoice,
  onOther,
  bringing,
}: {
  recognised: Recognised
  choice: ContentChoice
  onChoice: (choice: ContentChoice) => void
  onOther: () => void
  bringing: Bringing & { retry: () => void }
}) {
  const { t } = useTranslation('publish')
  const figures = useFigures()
  const bytes = recognised.files.reduce((sum, { file }) => sum + file.size, 0)
  return (
    <div className={classes.chosen}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
          <div>
            <Text className={classes.name}>{recognised.name}</Text>
            <Text c="dimmed">
              {t('chosen.files', { count: recognised.files.length })} · {figures.bytes(bytes)}
            </Text>
          </div>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={onOther}
            style={{ flex: 'none' }}
          >
            {t('chosen.other')}
          </Button>
        </Group>
        {recognised.choices.length > 1 && (
          <Stack gap={4}>
            <SegmentedControl
              aria-label={t('chosen.as')}
              data={recognised.choices.map((value) => ({ value, label: t(`choices.${value}`) }))}
              value={choice}
              onChange={(value) => onChoice(value)}
            />
            <Text size="xs" c="dimmed">
              {t(`choices.${choice}About`)}
            </Text>
          </Stack>
        )}
        <LeftOut recognised={recognised} />
        <Secrets recognised={recognised} />
        <Way bringing={bringing} />
      </Stack>
    </div>
  )
}

function LeftOut({ recognised: { leftOut } }: { recognised: Recognised }) {
  const { t } = useTranslation('publish')
  if (leftOut.length === 0) return null
  const shown = leftOut.slice(0, SHOWN).join(', ')
  return (
    <Text size="xs" c="dimmed">
      {t('chosen.leftOut', { count: leftOut.length, names: leftOut.length > SHOWN ? `${shown} …` : shown })}
    </Text>
  )
}

function Secrets({ recognised: { secrets } }: { recognised: Recognised }) {
  const { t } = useTranslation('publish')
  if (secrets.length === 0) return null
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t('secrets.title')}>
      <Text>{t('secrets.about')}</Text>
      <List size="sm" mt={4}>
        {secrets.slice(0, SHOWN).map(({ path, what }) => (
          <List.Item key={path}>
            <code>{path}</code>: {what}
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}

function Way({ bringing }: { bringing: Bringing & { retry: () => void } }) {
  const { t } = useTranslation('publish')
  const figures = useFigures()
  const { phase, doneBytes, totalBytes, isWaiting, error, retry } = bringing
  if (phase === 'failed') return <ProblemPanel error={error} onRetry={retry} />
  const percentage = phase === 'done' ? 100 : totalBytes === 0 ? 0 : Math.min(100, (doneBytes / totalBytes) * 100)
  const said = {
    share: figures.percentage(percentage, 0),
    done: figures.bytes(doneBytes),
    total: figures.bytes(totalBytes),
  }
  return (
    <Stack gap={6}>
      <Progress
        value={percentage}
        color={phase === 'done' ? 'teal' : isWaiting ? 'yellow' : 'blue'}
        aria-label={t('way.label')}
        animated={phase !== 'done' && !isWaiting}
      />
      <Text size="xs" c="dimmed" role="status">
        {t(`way.${phase}`, said)}
      </Text>
      {isWaiting && (
        <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} title={t('way.waiting')}>
          {t('way.waitingAbout')}
        </Alert>
      )}
    </Stack>
  )
}
