import { Box, Button, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { currentApi, signInWith } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { whoamiQuery } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import classes from './sign-in.module.css'

const route = getRouteApi('/public/sign-in')

export function SignInPage() {
  const { t } = useTranslation('sign-in')
  const router = useRouter()
  const queries = useQueryClient()
  const { next } = route.useSearch() as { next?: string }
  const [token, setToken] = useState('')
  useEffect(() => {
    document.title = `${t('title')} · HotPatch`
  }, [t])

  const signIn = useChange({
    change: async () => {
      signInWith(token.trim())
      try {
        queries.setQueryData(whoamiQuery.queryKey, await currentApi().whoami())
      } catch (error) {
        signInWith(undefined)
        throw error
      }
    },
    onDone: () => void router.navigate({ href: next?.startsWith('/') && !next.startsWith('//') ? next : '/' }),
  })

  return (
    <Box component="main" className={classes.page}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          signIn.mutate()
        }}
      >
        <Stack gap="md">
          <Title order={1}>{t('title')}</Title>
          <Text c="dimmed">{t('token.about')}</Text>
          <PasswordInput
            label={t('token.label')}
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autoComplete="off"
            required
          />
          <ProblemPanel error={signIn.error} />
          <Button type="submit" loading={signIn.isPending}>
            {t('submit')}
          </Button>
        </Stack>
      </form>
    </Box>
  )
}
