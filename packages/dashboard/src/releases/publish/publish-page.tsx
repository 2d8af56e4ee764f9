import type { App, NewRelease, PublishedRelease, ReleaseFinding, ReleasePreflight, RolloutPreview } from '@hotpatch/api'
import { Alert, Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconCircleCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useBlocker } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { ApprovalNotice } from '../../ground/approval-notice.tsx'
import { useApp, useChannelNames } from '../../ground/app.ts'
import { useChange } from '../../ground/change.ts'
import { Confirm } from '../../ground/confirm.tsx'
import { ButtonLink } from '../../ground/links.tsx'
import { useFigures } from '../../ground/figures.ts'
import { Page, Section } from '../../ground/page.tsx'
import { useMay } from '../../ground/permissions.ts'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { ReachPreview, useReach } from '../../ground/rollout-fields/reach-preview.tsx'
import { useAppSlug } from '../../ground/routes.ts'
import { Empty, Loading } from '../../ground/states.tsx'
import { ChosenContent } from './chosen-content.tsx'
import { DropArea } from './drop-area.tsx'
import { TooManyFiles, type Dropped } from './dropped-files.ts'
import { Findings } from './findings.tsx'
import { KitsByTool } from './kits-by-tool.tsx'
import { OnlySigned } from './only-signed.tsx'
import {
  contentOf,
  firstPercentage,
  NEW_PLAN,
  previewedContent,
  previewOf,
  releaseOf,
  suggestedVersion,
  type Plan,
} from './plan.ts'
import { PlanForm } from './plan-form.tsx'
import { recognise, searchZip, type ContentChoice, type Fault, type Recognised } from './recognise.ts'
import { useBringing } from './use-bringing.ts'

const route = getRouteApi('/server/apps/$app/releases/publish')
const TYPING_MS = 300

export function PublishPage() {
  const { t } = useTranslation('publish')
  const slug = useAppSlug()
  const app = useApp(slug)
  const may = useMay()
  return (
    <Page title={t('title')} about={t('about')} isNarrow>
      {!app && <Loading rows={5} />}
      {app && !may('releases:publish', app.id) && <Empty title={t('forbidden')}>{t('forbiddenAbout')}</Empty>}
      {app && may('releases:publish', app.id) && <ForApp app={app} />}
    </Page>
  )
}

function ForApp({ app }: { app: App }) {
  const [published, setPublished] = useState<PublishedRelease>()
  const [round, setRound] = useState(0)
  if (app.signing === 'required') return <OnlySigned app={app} />
  if (published) {
    const again = () => {
      setPublished(undefined)
      setRound(round + 1)
    }
    return <Done app={app} published={published} onAgain={again} />
  }
  return <Publish key={round} app={app} onPublished={setPublished} />
}

function Publish({ app, onPublished }: { app: App; onPublished: (published: PublishedRelease) => void }) {
  const { t } = useTranslation('publish')
  const { kind, channel } = route.useSearch()
  const channels = useChannelNames(app.slug)
  const [recognised, setRecognised] = useState<Recognised>()
  const [fault, setFault] = useState<Fault | { fault: 'too-many' | 'unreadable' }>()
  const [choice, setChoice] = useState<ContentChoice>()
  const [areSecretsMeant, setAreSecretsMeant] = useState(false)
  const [plan, setPlan] = useState<Plan>({ ...NEW_PLAN, ...(channel !== undefined && { channel }) })
  const hasSecrets = (recognised?.secrets.length ?? 0) > 0
  // What may have to stay secret goes nowhere before somebody has said that it is meant.
  const bringing = useBringing(app.slug, recognised, hasSecrets && !areSecretsMeant ? undefined : choice)
  const change = (changes: Partial<Plan>) => setPlan((before) => ({ ...before, ...changes }))
  const isBusy = recognised !== undefined && bringing.phase !== 'failed'
  useBlocker({
    shouldBlockFn: () => !window.confirm(t('leave')),
    enableBeforeUnload: isBusy,
    disabled: !isBusy,
  })

  useEffect(() => {
    const suggested = suggestedVersion(bringing.brought)
    if (suggested !== undefined)
      setPlan((before) => (before.version === '' ? { ...before, version: suggested } : before))
  }, [bringing.brought])

  async function take(dropped: Dropped): Promise<void> {
    const seen = recognise(dropped)
    if ('fault' in seen) {
      setFault(seen)
      return
    }
    const found = await searchZip(seen)
    setFault(undefined)
    setRecognised(found)
    setAreSecretsMeant(false)
    setChoice(found.choices.find((each) => each === kind) ?? found.choices[0])
    const guess = found.platform !== undefined && app.platforms.includes(found.platform) ? found.platform : undefined
    const [only, ...others] = app.platforms
    setPlan((before) => ({
      ...before,
      platform: guess ?? (others.length === 0 && only ? only : before.platform),
      accept: [],
    }))
  }

  if (!recognised || !choice) {
    return (
      <Stack gap="md">
        <DropArea
          onDropped={(dropped) => void take(dropped).catch(() => setFault({ fault: 'unreadable' }))}
          onError={(error) => setFault({ fault: error instanceof TooManyFiles ? 'too-many' : 'unreadable' })}
        />
        {fault && (
          <Alert color="red" role="alert" title={t('faults.title')}>
            {t(`faults.${fault.fault}`, fault)}
          </Alert>
        )}
        <KitsByTool slug={app.slug} />
      </Stack>
    )
  }
  return (
    <Stack gap="lg">
      <ChosenContent
        recognised={recognised}
        choice={choice}
        onChoice={setChoice}
        onOther={() => setRecognised(undefined)}
        bringing={bringing}
      />
      {hasSecrets && (
        <Checkbox
          label={t('secrets.meant')}
          checked={areSecretsMeant}
          onChange={(event) => setAreSecretsMeant(event.currentTarget.checked)}
        />
      )}
      <Section title={t('plan.title')}>
        <PlanForm app={app} channels={channels} plan={plan} onChange={change} />
      </Section>
      <AskAndPublish
        app={app}
        plan={plan}
        onChange={change}
        release={releaseOf(plan, contentOf(bringing.brought, plan))}
        preview={previewOf(
          plan,
          previewedContent(recognised, choice, { brought: bringing.brought, platform: plan.platform }),
        )}
        amounts={choice === 'binary' || recognised.zip ? undefined : recognised}
        isBrought={bringing.phase === 'done'}
        onPublished={onPublished}
      />
    </Stack>
  )
}

function AskAndPublish({
  app,
  plan,
  onChange,
  release,
  preview,
  amounts,
  isBrought,
  onPublished,
}: {
  app: App
  plan: Plan
  onChange: (changes: Partial<Plan>) => void
  release: NewRelease | undefined
  preview: RolloutPreview | undefined
  amounts: Recognised | undefined
  isBrought: boolean
  onPublished: (published: PublishedRelease) => void
}) {
  const { t } = useTranslation('publish')
  const api = useApi()
  const [isAsking, setIsAsking] = useState(false)
  const preflight = usePreflight(app, release, amounts)
  const publish = useChange({
    change: async (asked: NewRelease) => {
      const form = new FormData()
      form.set('metadata', JSON.stringify(asked))
      return api.publishRelease(app.slug, form)
    },
    invalidates: [appKey(app.slug)],
    onDone: onPublished,
  })
  const findings: readonly ReleaseFinding[] = preflight.data?.findings ?? []
  const hasErrors = findings.some(({ severity }) => severity === 'error')
  const isReady = release !== undefined && preflight.data !== undefined && !hasErrors && !preflight.isFetching
  return (
    <Stack gap="md">
      <Findings findings={findings} accepted={plan.accept} onAccept={(accept) => onChange({ accept })} />
      <ProblemPanel error={preflight.error} />
      {preflight.data && !hasErrors && <OnChannel plan={plan} preflight={preflight.data} />}
      <ReachPreview app={app.slug} wanted={preview} />
      <Group justify="flex-end" gap="sm">
        <Missing isBrought={isBrought} hasPlan={release !== undefined} hasErrors={hasErrors} />
        <Button disabled={!isReady} onClick={() => setIsAsking(true)}>
          {t('publish')}
        </Button>
      </Group>
      {release && (
        <Confirm
          opened={isAsking}
          onClose={() => setIsAsking(false)}
          title={t('ask.title', { version: release.version })}
          action={t('ask.action')}
          onConfirm={() => publish.mutateAsync(release)}
        >
          <WhatHappens app={app.slug} plan={plan} release={release} preview={preview} />
        </Confirm>
      )}
    </Stack>
  )
}

/** Why it cannot be published yet. */
function Missing({ isBrought, hasPlan, hasErrors }: { isBrought: boolean; hasPlan: boolean; hasErrors: boolean }) {
  const { t } = useTranslation('publish')
  const why = !isBrought ? 'upload' : !hasPlan ? 'plan' : hasErrors ? 'findings' : undefined
  if (why === undefined) return null
  return (
    <Text c="dimmed" size="xs">
      {t(`wait.${why}`)}
    </Text>
  )
}

function usePreflight(app: App, release: NewRelease | undefined, amounts: Recognised | undefined) {
  const api = useApi()
  const [asked] = useDebouncedValue(release && JSON.stringify(release), TYPING_MS)
  const told = amounts && {
    fileCount: amounts.files.length,
    unpackedBytes: amounts.files.reduce((sum, { file }) => sum + file.size, 0),
  }
  return useQuery({
    queryKey: appKey(app.slug, 'preflight', asked, told),
    queryFn: () => {
      const { paused: _, ...rest } = JSON.parse(asked ?? '{}') as NewRelease
      return api.checkRelease(app.slug, { ...rest, ...told, publicKey: null })
    },
    enabled: asked !== undefined,
    retry: false,
    meta: { isLive: false },
  })
}

/** What is there now. */
function OnChannel({ plan, preflight: { inForce, existing } }: { plan: Plan; preflight: ReleasePreflight }) {
  const { t } = useTranslation('publish')
  const figures = useFigures()
  const now = inForce.map(
    ({ version, percentage }) => `${version ?? t('embedded')} (${figures.percentage(percentage)})`,
  )
  return (
    <Alert color="gray" title={t('reach.title', { channel: plan.channel })}>
      <Text>{now.length === 0 ? t('reach.first') : t('reach.onTop', { versions: figures.list(now) })}</Text>
      {existing && <Text>{t('reach.existing', { channels: figures.list(existing.channels) })}</Text>}
    </Alert>
  )
}

function WhatHappens({
  app,
  plan,
  release,
  preview,
}: {
  app: string
  plan: Plan
  release: NewRelease
  preview: RolloutPreview | undefined
}) {
  const { t } = useTranslation('publish')
  const { t: tr } = useTranslation('releases')
  const figures = useFigures()
  const api = useApi()
  const protections = useQuery({ queryKey: appKey(app, 'protections'), queryFn: () => api.listProtections(app) })
  const protection = protections.data?.items.find(({ channel }) => channel === plan.channel)
  const said = {
    version: release.version,
    platform: tr(`platforms.${release.platform}`),
    channel: plan.channel,
    percentage: figures.percentage(firstPercentage(plan)),
    count: plan.steps?.steps.length ?? 1,
  }
  const { data: reach } = useReach(app, preview)
  return (
    <Stack gap="xs">
      <Text>
        {plan.isPaused
          ? t('ask.paused', said)
          : plan.startsAt !== ''
            ? t('ask.later', { ...said, at: figures.dateTime(plan.startsAt) })
            : t('ask.now', said)}
      </Text>
      {plan.steps && <Text>{t('ask.plan', said)}</Text>}
      {reach && (
        <Text c="dimmed">
          {t('rollouts:reach.reaches', { count: reach.devices, reached: figures.number(reach.reached) })}
        </Text>
      )}
      {protection?.needsApproval && <Text>{t('ask.approval')}</Text>}
      {plan.mandatory && <Text>{t('ask.mandatory')}</Text>}
      <Text c="dimmed">{t('ask.stays')}</Text>
    </Stack>
  )
}

function Done({ app, published, onAgain }: { app: App; published: PublishedRelease; onAgain: () => void }) {
  const { t } = useTranslation('publish')
  const figures = useFigures()
  const api = useApi()
  const { version, channel, percentage, releaseId, rolloutId } = published
  const { data: rollout } = useQuery({
    queryKey: appKey(app.slug, 'rollouts', 'one', rolloutId),
    queryFn: () => api.getRollout(rolloutId),
  })
  const said = rollout?.awaitsApproval ? 'done.proposed' : published.paused ? 'done.paused' : 'done.about'
  return (
    <Alert color="teal" icon={<IconCircleCheck aria-hidden />} title={t('done.title', { version })} role="status">
      <Stack gap="sm">
        <Text>{t(said, { channel, percentage: figures.percentage(percentage) })}</Text>
        {rollout?.awaitsApproval && <ApprovalNotice />}
        <Group gap="sm">
          <ButtonLink to="/apps/$app/releases/$release" params={{ app: app.slug, release: releaseId }}>
            {t('done.release')}
          </ButtonLink>
          <ButtonLink
            variant="default"
            to="/apps/$app/rollouts/$rollout"
            params={{ app: app.slug, rollout: rolloutId }}
          >
            {t('done.rollout')}
          </ButtonLink>
          <Button variant="subtle" onClick={onAgain}>
            {t('done.again')}
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
