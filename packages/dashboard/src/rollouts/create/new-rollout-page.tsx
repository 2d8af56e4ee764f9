import type { GuardSettings, ImpactQuestion, Release, Rollout, RolloutPreview } from '@hotpatch/api'
import { Button, Group, SegmentedControl, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useChange } from '../../ground/change.ts'
import { Confirm } from '../../ground/confirm.tsx'
import { ImpactNotice } from '../../ground/impact-notice.tsx'
import { Page, Section } from '../../ground/page.tsx'
import { usePageApp } from '../../ground/page-app.ts'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { useAppSlug } from '../../ground/routes.ts'
import { AudienceFields } from '../../ground/rollout-fields/audience-fields.tsx'
import { EVERYBODY, readAudience, type AudienceDraft } from '../../ground/rollout-fields/audience-draft.ts'
import classes from './create.module.css'
import { GuardFields, usualGuard } from '../../ground/rollout-fields/guard-fields.tsx'
import { PlanFields, readPlan, USUAL_PLAN, type PlanDraft } from '../../ground/rollout-fields/plan-fields.tsx'
import { ReachPreview } from '../../ground/rollout-fields/reach-preview.tsx'
import { toPage } from '../../ground/links.tsx'

const route = getRouteApi('/server/apps/$app/rollouts/new')

interface Draft {
  target: 'release' | 'embedded'
  releaseId: string | null
  platform: string | null
  channel: string | null
  audience: AudienceDraft
  plan: PlanDraft | null
  start: 'now' | 'later' | 'paused'
  startsAt: string
  mandatory: boolean
  guard: 'usual' | GuardSettings
}

/** Places a release, or what the binary shipped with, on a channel: begun anew where the address names something else. */
export function NewRolloutPage() {
  const search = route.useSearch()
  return <NewRolloutForm key={JSON.stringify(search)} />
}

function NewRolloutForm() {
  const { t } = useTranslation('rollouts')
  const slug = useAppSlug()
  const api = useApi()
  const app = usePageApp()
  const navigate = useNavigate()
  const search = route.useSearch()
  const [draft, setDraft] = useState<Draft>({
    target: search.to === 'embedded' ? 'embedded' : 'release',
    releaseId: search.release ?? null,
    platform: search.platform ?? null,
    channel: search.channel ?? null,
    audience: EVERYBODY,
    plan: null,
    start: 'now',
    startsAt: '',
    mandatory: false,
    guard: 'usual',
  })
  const [isAsking, setIsAsking] = useState(false)
  const set = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }))
  const releases = useReleases(slug, draft.releaseId)
  const channels = useQuery({ queryKey: appKey(slug, 'channels'), queryFn: () => api.listChannels(slug) })
  const release = releases.items.find(({ id }) => id === draft.releaseId)
  const complete = completed(draft, release)
  const create = useChange({
    change: () => send(),
    invalidates: [appKey(slug, 'rollouts'), appKey(slug, 'in-force')],
    done: ({ awaitsApproval }) => t(awaitsApproval ? 'form.proposed' : 'form.done'),
    onDone: (rollout: Rollout) =>
      void navigate({ to: '/apps/$app/rollouts/$rollout', params: { app: slug, rollout: rollout.id } }),
  })

  async function send(): Promise<Rollout> {
    if (!complete) throw new Error(t('form.incomplete'))
    const { channel, platform } = complete
    const { percentage, ...audience } = { percentage: draft.audience.percentage, ...readAudience(draft.audience) }
    const shared = {
      channel,
      ...(draft.plan ? { plan: readPlan(draft.plan) } : { percentage }),
      ...audience,
      mandatory: draft.mandatory,
      ...(draft.start === 'later' && { startsAt: new Date(draft.startsAt).toISOString() }),
      ...(draft.start === 'paused' && { paused: true }),
    }
    if (complete.releaseId === null) {
      return api.rollBack(slug, { ...shared, platform: platform as never, to: 'embedded' })
    }
    return api.createRollout(slug, {
      ...shared,
      releaseId: complete.releaseId,
      ...(draft.guard !== 'usual' && { guard: draft.guard }),
    })
  }

  return (
    <Page title={t('form.title')} about={t('form.about')}>
      <form
        className={classes.columns}
        onSubmit={(event) => {
          event.preventDefault()
          if (complete) setIsAsking(true)
        }}
      >
        <Stack gap="lg" className={classes.fields}>
          <ProblemPanel error={releases.error ?? channels.error} />
          <WhatSection
            draft={draft}
            set={set}
            releases={releases.items}
            platforms={app?.platforms ?? []}
            channels={channels.data?.items.map(({ name }) => name) ?? []}
          />
          <Section title={t('form.who')}>
            <Stack gap="md">
              <SegmentedControl
                aria-label={t('form.how')}
                value={draft.plan ? 'plan' : 'percentage'}
                onChange={(how) => set({ plan: how === 'plan' ? USUAL_PLAN : null })}
                data={[
                  { value: 'percentage', label: t('form.byPercentage') },
                  { value: 'plan', label: t('form.byPlan') },
                ]}
              />
              {draft.plan && <PlanFields value={draft.plan} onChange={(plan) => set({ plan })} />}
              <AudienceFields
                app={slug}
                value={draft.audience}
                onChange={(audience) => set({ audience })}
                hasPercentage={draft.plan === null}
              />
            </Stack>
          </Section>
          <WhenSection draft={draft} set={set} />
          {draft.target === 'release' && (
            <Section title={t('guard.title')} about={t('guard.about')}>
              <GuardFields
                value={draft.guard === 'usual' ? usualGuard(app) : draft.guard}
                onChange={(guard) => set({ guard })}
              />
            </Section>
          )}
        </Stack>
        <aside className={classes.aside}>
          <ReachPreview app={slug} wanted={complete && previewOf(draft, complete)} />
        </aside>
        <Group justify="flex-end" className={classes.actions}>
          <Button
            variant="default"
            component={Link}
            {...toPage({
              to: '/apps/$app/rollouts',
              params: { app: slug },
              search: { channel: draft.channel ?? undefined },
            })}
          >
            {t('ground:cancel')}
          </Button>
          <Button type="submit" disabled={!complete}>
            {t('form.continue')}
          </Button>
        </Group>
      </form>
      {complete && (
        <Confirm
          opened={isAsking}
          onClose={() => setIsAsking(false)}
          title={t('form.confirmTitle', { channel: complete.channel })}
          action={t(
            draft.start === 'now' ? 'form.start' : draft.start === 'later' ? 'form.schedule' : 'form.placePaused',
          )}
          onConfirm={() => create.mutateAsync()}
        >
          <Stack gap="sm">
            <Text>
              {t(
                draft.start === 'now'
                  ? 'form.willStart'
                  : draft.start === 'later'
                    ? 'form.willStartLater'
                    : 'form.willWait',
              )}
            </Text>
            <ImpactNotice app={slug} question={questionOf(draft, complete)} />
          </Stack>
        </Confirm>
      )}
    </Page>
  )
}

interface Complete {
  releaseId: string | null
  platform: string
  channel: string
}

function completed(draft: Draft, release: Release | undefined): Complete | undefined {
  const { target, platform, channel, start, startsAt } = draft
  if (channel === null || (start === 'later' && Number.isNaN(Date.parse(startsAt)))) return undefined
  if (target === 'embedded') return platform === null ? undefined : { releaseId: null, platform, channel }
  return release && { releaseId: release.id, platform: release.platform, channel }
}

function audienceOf({ audience, plan }: Draft) {
  return { percentage: plan?.steps[0]?.percentage ?? audience.percentage, ...readAudience(audience) }
}

function previewOf(draft: Draft, { releaseId, platform, channel }: Complete): RolloutPreview {
  const target = releaseId === null ? { to: 'embedded' as const } : { releaseId }
  return { platform: platform as never, channel, ...target, ...audienceOf(draft) }
}

function questionOf(draft: Draft, { releaseId, platform, channel }: Complete): ImpactQuestion {
  const audience = audienceOf(draft)
  if (releaseId !== null) return { change: 'promote', releaseId, channel, ...audience }
  return { change: 'roll-back', platform: platform as never, channel, to: 'embedded', ...audience }
}

/** The newest, and the one that the address names although it is older. */
function useReleases(slug: string, named: string | null) {
  const api = useApi()
  const list = useQuery({
    queryKey: appKey(slug, 'releases', 'to-place'),
    queryFn: () => api.listReleases(slug, { limit: 100 }),
  })
  const isListed = named === null || (list.data?.items.some(({ id }) => id === named) ?? true)
  const single = useQuery({
    queryKey: appKey(slug, 'release', named),
    queryFn: () => api.getRelease(named ?? ''),
    enabled: !isListed,
  })
  const items = [...(single.data && !isListed ? [single.data] : []), ...(list.data?.items ?? [])]
  return { items, error: list.error ?? single.error }
}

function WhatSection({
  draft,
  set,
  releases,
  platforms,
  channels,
}: {
  draft: Draft
  set: (changes: Partial<Draft>) => void
  releases: readonly Release[]
  platforms: readonly string[]
  channels: readonly string[]
}) {
  const { t } = useTranslation('rollouts')
  return (
    <Section title={t('form.what')}>
      <Stack gap="md">
        <SegmentedControl
          aria-label={t('form.target')}
          value={draft.target}
          onChange={(target) => set({ target })}
          data={[
            { value: 'release', label: t('form.release') },
            { value: 'embedded', label: t('impact:embedded') },
          ]}
        />
        {draft.target === 'release' ? (
          <Select
            label={t('form.release')}
            placeholder={t('form.chooseRelease')}
            searchable
            nothingFoundMessage={t('form.noReleases')}
            data={releases.map(({ id, version, platform }) => ({
              value: id,
              label: `${version} · ${t(`impact:platforms.${platform}`)}`,
            }))}
            value={draft.releaseId}
            onChange={(releaseId) => set({ releaseId })}
          />
        ) : (
          <Select
            label={t('platform')}
            description={t('form.embeddedAbout')}
            data={platforms.map((name) => ({ value: name, label: t(`impact:platforms.${name}`) }))}
            value={draft.platform}
            onChange={(platform) => set({ platform })}
          />
        )}
        <Select
          label={t('form.channel')}
          data={[...channels]}
          value={draft.channel}
          onChange={(channel) => set({ channel })}
        />
      </Stack>
    </Section>
  )
}

function WhenSection({ draft, set }: { draft: Draft; set: (changes: Partial<Draft>) => void }) {
  const { t } = useTranslation('rollouts')
  return (
    <Section title={t('form.when')}>
      <Stack gap="md">
        <SegmentedControl
          aria-label={t('form.when')}
          value={draft.start}
          onChange={(start) => set({ start })}
          data={(['now', 'later', 'paused'] as const).map((start) => ({
            value: start,
            label: t(`form.starts.${start}`),
          }))}
        />
        {draft.start === 'later' && (
          <TextInput
            type="datetime-local"
            label={t('form.startsAt')}
            description={Intl.DateTimeFormat().resolvedOptions().timeZone}
            value={draft.startsAt}
            onChange={(event) => set({ startsAt: event.currentTarget.value })}
            maw={280}
          />
        )}
        <Switch
          label={t('form.mandatory')}
          description={t('form.mandatoryAbout')}
          checked={draft.mandatory}
          onChange={(event) => set({ mandatory: event.currentTarget.checked })}
        />
      </Stack>
    </Section>
  )
}
