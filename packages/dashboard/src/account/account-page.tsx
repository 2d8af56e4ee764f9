import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useWhoami } from '../ground/permissions.ts'
import { Page, Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'
import { Appearance } from './appearance.tsx'
import { NameSection, PasswordSection } from './identity.tsx'
import { PasskeySection } from './passkeys.tsx'
import { accountKey } from './queries.ts'
import { SessionSection } from './sessions.tsx'
import { TotpSection } from './totp.tsx'

export function AccountPage() {
  const { t } = useTranslation('account')
  const whoami = useWhoami()
  const isPerson = whoami?.kind === 'person'
  return (
    <Page title={t('title')} isNarrow>
      {isPerson ? (
        <PersonSections />
      ) : (
        <Section title={t('token.title')}>
          <Text>{t('token.about', { name: whoami?.name })}</Text>
        </Section>
      )}
      <Appearance />
    </Page>
  )
}

function PersonSections() {
  const api = useApi()
  const account = useQuery({ queryKey: accountKey(), queryFn: () => api.getAccount() })
  if (account.error) return <ProblemPanel error={account.error} onRetry={() => void account.refetch()} />
  if (!account.data) return <Loading rows={6} />
  const person = account.data
  return (
    <Stack gap="lg">
      <NameSection person={person} key={person.name} />
      <PasswordSection person={person} />
      <TotpSection person={person} />
      <PasskeySection person={person} />
      <SessionSection />
    </Stack>
  )
}
