import type { SignInAnswer } from '@hotpatch/api'
import { Alert, Button, Divider, Stack, TextInput, UnstyledButton } from '@mantine/core'
import { IconFingerprint } from '@tabler/icons-react'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { currentApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { PasswordInput } from '../ground/password-input.tsx'
import { CodeForm } from './code-form.tsx'
import { forgetEverything, pageFrom } from './enter.ts'
import classes from './sign-in.module.css'
import { Outside } from './outside.tsx'
import { hasPasskeys, signInWithPasskey, wasCancelled } from './passkeys.ts'
import { SingleSignOnButton } from './single-sign-on-button.tsx'
import { TokenForm } from './token-form.tsx'

const route = getRouteApi('/public/sign-in')
const REFUSALS = new Set([
  'not-offered',
  'expired',
  'denied',
  'issuer-failed',
  'no-email',
  'email-not-verified',
  'not-a-member',
  'email-taken',
  'disabled',
])

export function SignInPage() {
  const { t } = useTranslation('sign-in')
  const router = useRouter()
  const { returnTo, refused } = route.useSearch()
  const [step, setStep] = useState<'password' | 'code' | 'token'>('password')

  async function enter(answer: SignInAnswer) {
    if (answer.needs === 'totp') return setStep('code')
    await forgetEverything()
    await router.navigate({ href: pageFrom(returnTo) })
  }

  if (step === 'code') return <CodeForm onDone={enter} onBack={() => setStep('password')} />
  if (step === 'token') {
    return <TokenForm onDone={() => enter({ done: true })} onBack={() => setStep('password')} />
  }
  return (
    <Outside title={t('title')}>
      <Stack gap="md">
        {refused !== undefined && (
          <Alert color="yellow" role="alert">
            {t(REFUSALS.has(refused) ? `refused.${refused}` : 'refused.issuer-failed')}
          </Alert>
        )}
        <SingleSignOnButton returnTo={returnTo} />
        <PasswordForm onDone={enter} />
        <OtherWays onDone={enter} />
        <UnstyledButton className={classes.other} onClick={() => setStep('token')}>
          {t('token.instead')}
        </UnstyledButton>
      </Stack>
    </Outside>
  )
}

function PasswordForm({ onDone }: { onDone: (answer: SignInAnswer) => Promise<void> | void }) {
  const { t } = useTranslation('sign-in')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const signIn = useChange({
    change: () => currentApi().signIn({ email: email.trim(), password }),
    onDone: (answer) => void onDone(answer),
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        signIn.mutate()
      }}
    >
      <Stack gap="md">
        <TextInput
          type="email"
          label={t('email')}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          autoComplete="username webauthn"
          required
          withAsterisk={false}
        />
        <PasswordInput
          label={t('password')}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          required
          withAsterisk={false}
        />
        <ProblemPanel error={signIn.error} />
        <Button type="submit" loading={signIn.isPending} fullWidth>
          {t('submit')}
        </Button>
      </Stack>
    </form>
  )
}

function OtherWays({ onDone }: { onDone: (answer: SignInAnswer) => Promise<void> | void }) {
  const { t } = useTranslation('sign-in')
  const passkey = useChange({ change: signInWithPasskey, onDone: (answer) => void onDone(answer) })
  if (!hasPasskeys()) return null
  return (
    <>
      <Divider label={t('or')} />
      <Stack gap="xs">
        <Button
          variant="default"
          leftSection={<IconFingerprint size={18} aria-hidden />}
          loading={passkey.isPending}
          onClick={() => passkey.mutate()}
        >
          {t('passkey')}
        </Button>
        <ProblemPanel error={wasCancelled(passkey.error) ? undefined : passkey.error} />
      </Stack>
    </>
  )
}
