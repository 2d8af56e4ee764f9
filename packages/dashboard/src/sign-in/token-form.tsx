import { Button, Stack, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { currentApi, signInWith } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { PasswordInput } from '../ground/password-input.tsx'
import { Outside } from './outside.tsx'
import classes from './sign-in.module.css'

/** For who has a token and no account, such as with the owner token of the first start. */
export function TokenForm({ onDone, onBack }: { onDone: () => Promise<void> | void; onBack: () => void }) {
  const { t } = useTranslation('sign-in')
  const [token, setToken] = useState('')
  const signIn = useChange({
    change: async () => {
      signInWith(token.trim())
      try {
        await currentApi().whoami()
      } catch (error) {
        signInWith(undefined)
        throw error
      }
    },
    onDone: () => void onDone(),
  })
  return (
    <Outside title={t('token.title')} about={t('token.about')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          signIn.mutate()
        }}
      >
        <Stack gap="md">
          <PasswordInput
            label={t('token.label')}
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autoComplete="off"
            autoFocus
            required
            withAsterisk={false}
          />
          <ProblemPanel error={signIn.error} />
          <Button type="submit" loading={signIn.isPending} fullWidth>
            {t('submit')}
          </Button>
          <UnstyledButton className={classes.other} onClick={onBack}>
            {t('back')}
          </UnstyledButton>
        </Stack>
      </form>
    </Outside>
  )
}
