import type { ImpactQuestion, Rollout } from '@hotpatch/api'
import { ActionIcon, Button, Menu, Stack, Text } from '@mantine/core'
import {
  IconArrowBackUp,
  IconArrowUpRight,
  IconBan,
  IconDots,
  IconPlayerPause,
  IconPlayerPlay,
  IconTrash,
  IconUsers,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useChange } from '../../ground/change.ts'
import { Confirm } from '../../ground/confirm.tsx'
import { CopyCommand } from '../../ground/copy-command.tsx'
import { ImpactNotice } from '../../ground/impact-notice.tsx'
import { useMayHere } from '../../ground/page-app.ts'
import { appKey } from '../../ground/queries.ts'
import { useVersionName } from '../../ground/rollout-state.tsx'
import { AudienceDialog } from './audience-dialog.tsx'
import { toPage } from '../../ground/links.tsx'

type Move = 'pause' | 'resume' | 'halt' | 'withdraw' | 'step-back'

const DANGEROUS: ReadonlySet<Move> = new Set(['halt', 'withdraw', 'step-back'])

/** What may be done with a rollout as it is now, by who is signed in: each asks first, with what will happen. */
export function RolloutActions({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const mayHere = useMayHere()
  const [asking, setAsking] = useState<{ move: Move; revision: number }>()
  const [isChanging, setIsChanging] = useState(false)
  if (!mayHere('rollouts:change')) return null
  const { state, awaitsApproval } = rollout
  const isLive = state === 'active' || state === 'paused'
  const ask = (move: Move) => setAsking({ move, revision: rollout.revision })
  return (
    <>
      {isLive && (
        <Button variant="default" leftSection={<IconUsers size={16} aria-hidden />} onClick={() => setIsChanging(true)}>
          {t('actions.audience')}
        </Button>
      )}
      {state === 'active' && (
        <Button variant="default" leftSection={<IconPlayerPause size={16} aria-hidden />} onClick={() => ask('pause')}>
          {t('actions.pause')}
        </Button>
      )}
      {state === 'paused' && !awaitsApproval && (
        <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={() => ask('resume')}>
          {t('actions.resume')}
        </Button>
      )}
      {isLive && (
        <Button color="red" leftSection={<IconArrowBackUp size={16} aria-hidden />} onClick={() => ask('step-back')}>
          {t('actions.step-back')}
        </Button>
      )}
      <More app={app} rollout={rollout} ask={ask} />
      {asking && <AskMove app={app} rollout={rollout} {...asking} onClose={() => setAsking(undefined)} />}
      {isChanging && <AudienceDialog app={app} rollout={rollout} onClose={() => setIsChanging(false)} />}
    </>
  )
}

function More({ app, rollout, ask }: { app: string; rollout: Rollout; ask: (move: Move) => void }) {
  const { t } = useTranslation('rollouts')
  const { state, releaseId, platform } = rollout
  const isLive = state === 'active' || state === 'paused'
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label={t('actions.more')}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconArrowUpRight size={16} aria-hidden />}
          component={Link}
          {...toPage({
            to: '/apps/$app/rollouts/new',
            params: { app },
            search: releaseId === null ? { to: 'embedded', platform } : { release: releaseId },
          })}
        >
          {t('actions.promote')}
        </Menu.Item>
        {isLive && (
          <Menu.Item color="red" leftSection={<IconBan size={16} aria-hidden />} onClick={() => ask('halt')}>
            {t('actions.halt')}
          </Menu.Item>
        )}
        {state !== 'withdrawn' && (
          <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => ask('withdraw')}>
            {t('actions.withdraw')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

function AskMove({
  app,
  rollout,
  move,
  revision,
  onClose,
}: {
  app: string
  rollout: Rollout
  move: Move
  revision: number
  onClose: () => void
}) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const navigate = useNavigate()
  const versionName = useVersionName()
  const back = useWayBack(app, rollout, move)
  const { id, version } = rollout
  const act = useChange({
    change: () => makeMove(),
    invalidates: [appKey(app, 'rollout', id), appKey(app, 'rollouts'), appKey(app, 'in-force')],
    done: t(`actions.done.${move}`),
    onDone: (placedId) => {
      if (placedId !== undefined)
        void navigate({ to: '/apps/$app/rollouts/$rollout', params: { app, rollout: placedId } })
    },
  })

  /** The id of the rollout that came of it. */
  async function makeMove(): Promise<string | undefined> {
    const seen = { revision }
    switch (move) {
      case 'pause':
        await api.pauseRollout(id, seen)
        return undefined
      case 'resume':
        await api.resumeRollout(id, seen)
        return undefined
      case 'halt':
        await api.haltRollout(id, seen)
        return undefined
      case 'withdraw':
        await api.withdrawRollout(id, seen)
        return undefined
      case 'step-back':
        return (await api.stepBack(id, seen)).placed?.id
    }
  }

  const question: ImpactQuestion = { change: move, rolloutId: id }
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t(`actions.title.${move}`, { version: versionName(version) })}
      action={t(`actions.${move}`)}
      isDangerous={DANGEROUS.has(move)}
      onConfirm={() => act.mutateAsync()}
    >
      <Stack gap="sm">
        <Text>
          {t(`actions.about.${move}`)} {back.text}
        </Text>
        <ImpactNotice app={app} question={question} />
        {back.command && (
          <Stack gap={4}>
            <Text>{t('actions.signIt')}</Text>
            <CopyCommand command={back.command} label={t('actions.signIt')} />
          </Stack>
        )}
      </Stack>
    </Confirm>
  )
}

/** Where a step back goes, and what has to be signed for it where nobody did in advance. */
function useWayBack(app: string, rollout: Rollout, move: Move): { text?: string; command?: string } {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const isAsked = move === 'step-back' && rollout.guard !== null
  const { data } = useQuery({
    queryKey: appKey(app, 'rollout', rollout.id, 'guard'),
    queryFn: () => api.getGuard(rollout.id),
    enabled: isAsked,
  })
  const app_ = useQuery({ queryKey: appKey(app, 'self'), queryFn: () => api.getApp(app), enabled: isAsked }).data
  if (!isAsked || !data) return {}
  const { goesBackTo } = data
  if (!goesBackTo) return { text: t('actions.toEmbedded') }
  const text = t('actions.toVersion', { version: goesBackTo.version })
  if (goesBackTo.isPrepared || app_?.signing !== 'required') return { text }
  const { platform, channel } = rollout
  const command = `npx hotpatch rollback --app ${app} --platform ${platform} --channel ${channel} --version ${goesBackTo.version}`
  return { text, command }
}
