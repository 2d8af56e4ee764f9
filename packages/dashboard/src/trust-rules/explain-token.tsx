import type { TrustExplanation } from '@hotpatch/api'
import { Alert, Button, Group, List, Stack, Text, Textarea } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'

/** Why a job was not let in: its token against each rule. It is not used up by that. */
export function ExplainToken() {
  const { t } = useTranslation('trust-rules')
  const api = useApi()
  const [token, setToken] = useState('')
  const explain = useChange({ change: (text: string) => api.explainTrust({ token: text }) })
  return (
    <Section title={t('explain.title')} about={t('explain.about')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          explain.mutate(token.trim())
        }}
      >
        <Stack gap="sm">
          <Textarea
            label={t('explain.token')}
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autosize
            minRows={3}
            maxRows={8}
            autoComplete="off"
            spellCheck={false}
            required
          />
          <Group>
            <Button type="submit" variant="default" loading={explain.isPending}>
              {t('explain.action')}
            </Button>
          </Group>
          <ProblemPanel error={explain.error} />
          {explain.data && <Explained explanation={explain.data} />}
        </Stack>
      </form>
    </Section>
  )
}

function Explained({ explanation: { refusal, rules, issuer, audience } }: { explanation: TrustExplanation }) {
  const { t } = useTranslation('trust-rules')
  return (
    <Stack gap="sm" aria-live="polite">
      {issuer !== '' && <Text size="sm">{t('explain.read', { issuer, audience })}</Text>}
      {refusal !== null && <Alert color="red" title={refusal} icon={<IconX aria-hidden />} />}
      {rules.map(({ id, name, fits, differences }) => (
        <Alert
          key={id}
          color={fits ? 'teal' : 'gray'}
          icon={fits ? <IconCheck aria-hidden /> : <IconX aria-hidden />}
          title={t(fits ? 'explain.fits' : 'explain.differs', { name })}
        >
          <List size="sm">
            {differences.map(({ claim, expected, found }) => (
              <List.Item key={claim + expected}>
                {t('explain.difference', { claim, expected, found: found ?? t('explain.none') })}
              </List.Item>
            ))}
          </List>
        </Alert>
      ))}
    </Stack>
  )
}
