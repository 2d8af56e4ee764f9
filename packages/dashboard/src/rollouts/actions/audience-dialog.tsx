import { ApiProblem, type Rollout, type RolloutChanges } from '@hotpatch/api'
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconUsersGroup } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { isApprovalAwaited } from '../../ground/approval-notice.tsx'
import { useChange } from '../../ground/change.ts'
import { useFigures } from '../../ground/figures.ts'
import { ImpactNotice } from '../../ground/impact-notice.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { AudienceFields } from '../../ground/rollout-fields/audience-fields.tsx'
import { draftOf, readAudience } from '../../ground/rollout-fields/audience-draft.ts'

const TYPING_MS = 350

/**
 * Widens it, or changes whom it is for, with what will happen while it is typed. Somebody else's change in the meantime is
 * shown, and what was typed stays.
 */
export function AudienceDialog({ app, rollout, onClose }: { app: string; rollout: Rollout; onClose: () => void }) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const [seen, setSeen] = useState(rollout)
  const [draft, setDraft] = useState(() => draftOf(rollout))
  const isPlanned = rollout.plan?.state === 'running'
  const hasPercentage = !isPlanned && rollout.experimentId === null
  const changes = changesOf(seen, draft, hasPercentage)
  const [asked] = useDebouncedValue(changes, TYPING_MS)
  const isNarrower = hasPercentage && draft.percentage < seen.percentage
  const change = useChange({
    change: () => api.changeRollout(rollout.id, { ...changes, revision: seen.revision }),
    invalidates: [appKey(app, 'rollout', rollout.id), appKey(app, 'rollouts'), appKey(app, 'in-force')],
    done: t('actions.done.audience'),
    onDone: onClose,
  })
  const isConflict = change.error instanceof ApiProblem && change.error.type === 'rollout-changed'
  const isProposed = isApprovalAwaited(change.error)
  const queries = useQueryClient()
  useEffect(() => {
    if (isConflict) void queries.invalidateQueries({ queryKey: appKey(app, 'rollout', rollout.id) })
  }, [isConflict, queries, app, rollout.id])
  // The live stream may know of it before anything is sent.
  const isOld = rollout.revision !== seen.revision
  const hasChanges = Object.keys(changes).length > 0
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('actions.audience')}
      size="lg"
      closeButtonProps={{ 'aria-label': t('ground:close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate()
        }}
      >
        <Stack gap="md">
          {(isOld || isConflict) && (
            <ChangedMeanwhile
              before={seen}
              now={rollout}
              onAdopt={() => {
                setSeen(rollout)
                change.reset()
              }}
            />
          )}
          {isPlanned && <Text c="dimmed">{t('actions.planned')}</Text>}
          <AudienceFields app={app} value={draft} onChange={setDraft} hasPercentage={hasPercentage} />
          {isNarrower && <Text c="dimmed">{t('actions.narrower')}</Text>}
          {Object.keys(asked).length > 0 && (
            <ImpactNotice app={app} question={{ change: 'change-audience', rolloutId: rollout.id, ...asked }} />
          )}
          {!isConflict && <ProblemPanel error={change.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose} disabled={change.isPending}>
              {t(isProposed ? 'ground:close' : 'ground:cancel')}
            </Button>
            {!isProposed && (
              <Button type="submit" disabled={!hasChanges || isOld} loading={change.isPending}>
                {t('actions.change')}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** What differs from the rollout as it was seen. */
function changesOf(seen: Rollout, draft: ReturnType<typeof draftOf>, hasPercentage: boolean): Partial<RolloutChanges> {
  const wanted = readAudience(draft)
  const before = readAudience(draftOf(seen))
  const differs = (name: keyof typeof wanted) => JSON.stringify(wanted[name]) !== JSON.stringify(before[name])
  return {
    ...(hasPercentage && draft.percentage !== seen.percentage && { percentage: draft.percentage }),
    ...(differs('devices') && { devices: wanted.devices }),
    ...(differs('cohorts') && { cohorts: wanted.cohorts }),
    ...(differs('rules') && { rules: wanted.rules }),
  }
}

function ChangedMeanwhile({ before, now, onAdopt }: { before: Rollout; now: Rollout; onAdopt: () => void }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  return (
    <Alert color="yellow" icon={<IconUsersGroup aria-hidden />} title={t('conflict.title')} role="alert">
      <Text>{t('conflict.about')}</Text>
      <ul>
        {before.percentage !== now.percentage && (
          <li>
            {t('form.percentage')}: {figures.percentage(before.percentage)} → {figures.percentage(now.percentage)}
          </li>
        )}
        {before.state !== now.state && (
          <li>
            {t('state')}: {t(`impact:state.${before.state}`)} → {t(`impact:state.${now.state}`)}
          </li>
        )}
        {before.cohorts.join() !== now.cohorts.join() && (
          <li>
            {t('form.cohorts')}: {now.cohorts.join(', ') || '–'}
          </li>
        )}
        {before.devices.join() !== now.devices.join() && (
          <li>
            {t('form.devices')}: {figures.number(now.devices.length)}
          </li>
        )}
        {JSON.stringify(before.rules) !== JSON.stringify(now.rules) && (
          <li>
            {t('form.rules')}: {figures.number(now.rules.length)}
          </li>
        )}
      </ul>
      <Button size="xs" variant="default" onClick={onAdopt} disabled={before.revision === now.revision}>
        {t('conflict.adopt')}
      </Button>
    </Alert>
  )
}
