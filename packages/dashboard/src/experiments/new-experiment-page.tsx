import type { Experiment, NewExperiment } from '@hotpatch/api'
import { ActionIcon, Button, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { useFigures } from '../ground/figures.ts'
import { Page, Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import classes from './experiments.module.css'
import { toPage } from '../ground/links.tsx'

interface ArmDraft {
  name: string
  weight: number
  releaseId: string | null
}

const MAX_ARMS = 10

/** Two or more releases on one channel, each for its own part of the devices. */
export function NewExperimentPage() {
  const { t } = useTranslation('experiments')
  const app = useAppSlug()
  const api = useApi()
  const navigate = useNavigate()
  const figures = useFigures()
  const [name, setName] = useState('')
  const [channel, setChannel] = useState<string | null>(null)
  const [percentage, setPercentage] = useState(100)
  const [arms, setArms] = useState<ArmDraft[]>([
    { name: 'A', weight: 50, releaseId: null },
    { name: 'B', weight: 50, releaseId: null },
  ])
  const [isAsking, setIsAsking] = useState(false)
  const channels = useQuery({ queryKey: appKey(app, 'channels'), queryFn: () => api.listChannels(app) })
  const releases = useQuery({
    queryKey: appKey(app, 'releases', 'to-place'),
    queryFn: () => api.listReleases(app, { limit: 100 }),
  })
  const sum = Math.round(arms.reduce((total, { weight }) => total + weight, 0) * 100) / 100
  const wanted = complete()
  const create = useChange({
    change: (body: NewExperiment) => api.createExperiment(app, body),
    invalidates: [appKey(app, 'experiments'), appKey(app, 'rollouts')],
    done: t('made'),
    onDone: ({ id }: Experiment) =>
      void navigate({ to: '/apps/$app/experiments/$experiment', params: { app, experiment: id } }),
  })

  function complete(): NewExperiment | undefined {
    if (name === '' || channel === null || sum !== 100) return undefined
    const chosen = arms.flatMap(({ releaseId, ...arm }) =>
      releaseId === null || arm.name === '' ? [] : [{ ...arm, releaseId }],
    )
    return chosen.length === arms.length ? { name, channel, percentage, arms: chosen } : undefined
  }

  const set = (at: number, changes: Partial<ArmDraft>) =>
    setArms(arms.map((arm, index) => (index === at ? { ...arm, ...changes } : arm)))
  return (
    <Page title={t('new')} about={t('newAbout')} isNarrow>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (wanted) setIsAsking(true)
        }}
      >
        <Stack gap="lg">
          <ProblemPanel error={channels.error ?? releases.error} />
          <Section title={t('what')}>
            <Stack gap="md">
              <TextInput
                label={t('name')}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                maxLength={100}
                required
              />
              <Select
                label={t('channel')}
                data={channels.data?.items.map((each) => each.name) ?? []}
                value={channel}
                onChange={setChannel}
                required
              />
              <NumberInput
                label={t('takePart')}
                description={t('takePartAbout')}
                suffix=" %"
                min={0.01}
                max={100}
                decimalScale={2}
                maw={240}
                value={percentage}
                onChange={(typed) => typeof typed === 'number' && setPercentage(typed)}
              />
            </Stack>
          </Section>
          <Section title={t('arms')} about={t('armsAbout')}>
            <Stack gap="sm">
              {arms.map((arm, index) => (
                <div key={index} className={classes.arm} role="group" aria-label={t('arm', { number: index + 1 })}>
                  <TextInput
                    label={t('armName')}
                    value={arm.name}
                    maxLength={40}
                    onChange={(event) => set(index, { name: event.currentTarget.value })}
                  />
                  <Select
                    label={t('release')}
                    searchable
                    data={
                      releases.data?.items.map(({ id, version, platform }) => ({
                        value: id,
                        label: `${version} · ${t(`impact:platforms.${platform}`)}`,
                      })) ?? []
                    }
                    value={arm.releaseId}
                    onChange={(releaseId) => set(index, { releaseId })}
                  />
                  <NumberInput
                    label={t('weight')}
                    suffix=" %"
                    min={0.01}
                    max={100}
                    decimalScale={2}
                    value={arm.weight}
                    onChange={(typed) => typeof typed === 'number' && set(index, { weight: typed })}
                  />
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size="lg"
                    disabled={arms.length === 2}
                    aria-label={t('removeArm', { name: arm.name })}
                    onClick={() => setArms(arms.filter((_, other) => other !== index))}
                  >
                    <IconTrash size={16} aria-hidden />
                  </ActionIcon>
                </div>
              ))}
              <Group>
                <Button
                  size="compact-sm"
                  variant="default"
                  leftSection={<IconPlus size={14} aria-hidden />}
                  disabled={arms.length >= MAX_ARMS}
                  onClick={() =>
                    setArms([
                      ...arms,
                      {
                        name: String.fromCodePoint(65 + arms.length),
                        weight: Math.max(0.01, 100 - sum),
                        releaseId: null,
                      },
                    ])
                  }
                >
                  {t('addArm')}
                </Button>
              </Group>
              {sum !== 100 && (
                <Text c="red" role="alert">
                  {t('weights', { sum: figures.percentage(sum) })}
                </Text>
              )}
            </Stack>
          </Section>
          <Group justify="flex-end">
            <Button variant="default" component={Link} {...toPage({ to: '/apps/$app/experiments', params: { app } })}>
              {t('ground:cancel')}
            </Button>
            <Button type="submit" disabled={!wanted}>
              {t('continue')}
            </Button>
          </Group>
        </Stack>
      </form>
      {wanted && (
        <Confirm
          opened={isAsking}
          onClose={() => setIsAsking(false)}
          title={t('startAsk', { name })}
          action={t('start')}
          onConfirm={() => create.mutateAsync(wanted)}
        >
          {t('startWill', { share: figures.percentage(percentage), channel: wanted.channel })}
        </Confirm>
      )}
    </Page>
  )
}
