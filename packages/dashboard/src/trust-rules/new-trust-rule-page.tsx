import type { NewTrustRule } from '@hotpatch/api'
import { Button, Group, Stack } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { CopyCommand } from '../ground/copy-command.tsx'
import { ButtonLink } from '../ground/links.tsx'
import { Page, Section } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { jobOf } from './issuers.ts'
import { FIRST_DRAFT, newRuleOf } from './rule-draft.ts'
import { RuleFields } from './rule-fields.tsx'

export function NewTrustRulePage() {
  const { t } = useTranslation('trust-rules')
  const api = useApi()
  const router = useRouter()
  const [draft, setDraft] = useState(FIRST_DRAFT)
  const add = useChange({
    change: (rule: NewTrustRule) => api.createTrustRule(rule),
    invalidates: [serverKey('trust-rules')],
    done: ({ name }) => t('added', { name }),
    onDone: () => void router.navigate({ to: '/trust-rules' }),
  })
  return (
    <Page title={t('new.title')} about={t('new.about')} isNarrow>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate(newRuleOf(draft))
        }}
      >
        <Stack gap="md">
          <RuleFields draft={draft} onChange={setDraft} />
          <ProblemPanel error={add.error} />
          <Group justify="flex-end">
            <ButtonLink variant="default" to="/trust-rules">
              {t('new.back')}
            </ButtonLink>
            <Button type="submit" loading={add.isPending} disabled={draft.app === null}>
              {t('add')}
            </Button>
          </Group>
        </Stack>
      </form>
      <Section title={t('new.job')} about={t(`new.jobAbout.${draft.kind}`)}>
        <CopyCommand
          command={jobOf(draft.kind, { url: SERVER_URL, rule: draft.name || 'publish' })}
          label={t('new.job')}
        />
      </Section>
    </Page>
  )
}
