import type { App, Rollout } from '@hotpatch/api'
import { Badge, Button, Group, Menu, NumberInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { useFigures } from '../ground/figures.ts'
import { useMay } from '../ground/permissions.ts'
import { appKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import classes from './asset-updates.module.css'
import type { AssetUpdatesSearch } from './routes.tsx'

const COLORS = { active: 'teal', paused: 'yellow', halted: 'red', withdrawn: 'gray' } as Record<string, string>

/** What places updates on channels: who gets them, and how that goes on. */
export function Deployments({
  slug,
  app,
  search: { channel, platform, state },
}: {
  slug: string
  app: App | undefined
  search: AssetUpdatesSearch
}) {
  const { t } = useTranslation('asset-updates')
  const api = useApi()
  const may = useMay()
  const query = {
    kind: 'files' as const,
    ...(channel && { channel }),
    ...(platform && { platform }),
    ...(state && { state }),
  }
  const pages = usePages({
    queryKey: appKey(slug, 'rollouts', 'deployments', query),
    fetchPage: (cursor) => api.listRollouts(slug, { ...query, ...cursor }),
  })
  const columns = useColumns(slug, may('rollouts:change', app?.id))
  return (
    <DataTable
      {...pages}
      label={t('tabs.deployments')}
      columns={columns}
      rowKey={({ id }) => id}
      empty={<Empty title={t('deployments.none')}>{t('deployments.noneAbout')}</Empty>}
    />
  )
}

function useColumns(slug: string, mayChange: boolean): Column<Rollout>[] {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  const figures = useFigures()
  return [
    {
      id: 'version',
      header: t('deployments.update'),
      phone: 'title',
      cell: ({ version }) => <span className={classes.version}>{version ?? t('rollBack.embedded')}</span>,
    },
    { id: 'channel', header: tr('channel'), cell: ({ channel }) => <span className={classes.version}>{channel}</span> },
    { id: 'platform', header: tr('platform'), cell: ({ platform }) => tr(`platforms.${platform}`) },
    {
      id: 'state',
      header: tr('state'),
      cell: ({ state, awaitsApproval }) => (
        <Badge color={COLORS[state] ?? 'blue'}>{t(`states.${awaitsApproval ? 'proposed' : state}`)}</Badge>
      ),
    },
    {
      id: 'percentage',
      header: tr('percentage'),
      align: 'end',
      cell: ({ percentage }) => figures.percentage(percentage),
    },
    { id: 'mandatory', header: tr('mandatory'), cell: ({ mandatory }) => tr(mandatory ? 'yes' : 'no') },
    { id: 'created', header: tr('placed'), cell: ({ createdAt }) => <Time at={createdAt} /> },
    ...(mayChange
      ? [{ id: 'actions', header: t('actions'), cell: (rollout: Rollout) => <Manage slug={slug} rollout={rollout} /> }]
      : []),
  ]
}

type Deed = 'widen' | 'pause' | 'resume' | 'halt' | 'withdraw'

const DEEDS: Record<string, readonly Deed[]> = {
  active: ['widen', 'pause', 'halt', 'withdraw'],
  paused: ['resume', 'halt', 'withdraw'],
  halted: ['withdraw'],
  withdrawn: [],
}

function Manage({ slug, rollout }: { slug: string; rollout: Rollout }) {
  const { t } = useTranslation('asset-updates')
  const [deed, setDeed] = useState<Deed>()
  const isProposed = rollout.awaitsApproval === true
  const deeds = (DEEDS[rollout.state] ?? []).filter((each) => !(isProposed && each === 'resume'))
  if (deeds.length === 0) return <Text c="dimmed">{t('deployments.over')}</Text>
  const version = rollout.version ?? t('rollBack.embedded')
  return (
    <div className={classes.action}>
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <Button
            size="xs"
            variant="default"
            aria-label={t('deployments.manage', { version, channel: rollout.channel })}
          >
            {t('deployments.change')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {deeds.map((each) => (
            <Menu.Item key={each} onClick={() => setDeed(each)} {...(isFinal(each) && { color: 'red' })}>
              {t(`deeds.${each}.open`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {deed && <Ask slug={slug} rollout={rollout} deed={deed} onClose={() => setDeed(undefined)} />}
    </div>
  )
}

function isFinal(deed: Deed): boolean {
  return deed === 'halt' || deed === 'withdraw'
}

function Ask({ slug, rollout, deed, onClose }: { slug: string; rollout: Rollout; deed: Deed; onClose: () => void }) {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  const api = useApi()
  const [percentage, setPercentage] = useState(rollout.percentage)
  const said = { version: rollout.version ?? t('rollBack.embedded'), channel: rollout.channel }
  const change = useChange({
    change: () => {
      switch (deed) {
        case 'widen':
          return api.changeRollout(rollout.id, { percentage })
        case 'pause':
          return api.pauseRollout(rollout.id)
        case 'resume':
          return api.resumeRollout(rollout.id)
        case 'halt':
          return api.haltRollout(rollout.id)
        case 'withdraw':
          return api.withdrawRollout(rollout.id)
      }
    },
    invalidates: [appKey(slug)],
    done: t(`deeds.${deed}.done`, said),
  })
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t(`deeds.${deed}.title`, said)}
      action={t(`deeds.${deed}.action`)}
      isDangerous={isFinal(deed)}
      onConfirm={() => change.mutateAsync()}
    >
      <Stack gap="md">
        {deed === 'widen' && (
          <Group>
            <NumberInput
              label={tr('percentage')}
              suffix=" %"
              min={0}
              max={100}
              decimalScale={2}
              clampBehavior="strict"
              value={percentage}
              onChange={(value) => setPercentage(Number(value))}
            />
          </Group>
        )}
        <Text>{t(`deeds.${deed}.about`, said)}</Text>
      </Stack>
    </Confirm>
  )
}
