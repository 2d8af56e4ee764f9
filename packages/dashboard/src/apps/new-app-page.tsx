import type { NewApp } from '@hotpatch/api'
import { Button, Checkbox, Group, Radio, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ButtonLink } from '../ground/links.tsx'
import { Page, Section } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'

const PLATFORMS = ['android', 'ios', 'web', 'windows', 'macos', 'linux', 'any'] as const
type Platform = (typeof PLATFORMS)[number]

export function NewAppPage() {
  const { t } = useTranslation('apps')
  const may = useMay()
  if (may('apps:change')) return <NewAppForm />
  return (
    <Page title={t('new.title')} isNarrow>
      <Empty title={t('app:forbidden.title')}>{t('app:forbidden.detail', { permission: 'apps:change' })}</Empty>
    </Page>
  )
}

function NewAppForm() {
  const { t } = useTranslation('apps')
  const api = useApi()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  // Undefined: it follows the name.
  const [ownSlug, setOwnSlug] = useState<string>()
  const [platforms, setPlatforms] = useState<string[]>(['android', 'ios'])
  const [deviceIds, setDeviceIds] = useState<'hashed' | 'as-given'>('hashed')
  const [checkAccess, setCheckAccess] = useState<'app-key' | 'open'>('app-key')
  const slug = ownSlug ?? slugOf(name)

  const create = useChange({
    change: (app: NewApp) => api.createApp(app),
    invalidates: [serverKey('apps')],
    onDone: (app) => void navigate({ to: '/apps/$app/first-steps', params: { app: app.slug } }),
  })

  return (
    <Page title={t('new.title')} about={t('new.about')} isNarrow>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate({ name: name.trim(), slug, platforms: platforms as Platform[], deviceIds, checkAccess })
        }}
      >
        <Stack gap="lg">
          <Section title={t('new.what')}>
            <Stack gap="md">
              <TextInput
                label={t('name')}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                maxLength={100}
                required
                data-autofocus
              />
              <TextInput
                label={t('slug')}
                description={t('new.slugAbout')}
                value={slug}
                onChange={(event) => setOwnSlug(event.currentTarget.value)}
                pattern="[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?"
                maxLength={63}
                required
              />
              <Checkbox.Group label={t('platforms')} value={platforms} onChange={setPlatforms} required>
                <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="xs" mt={6}>
                  {PLATFORMS.map((platform) => (
                    <Checkbox key={platform} value={platform} label={t(`platform.${platform}`)} />
                  ))}
                </SimpleGrid>
              </Checkbox.Group>
            </Stack>
          </Section>
          <Section title={t('new.devices')} about={t('new.devicesAbout')}>
            <Stack gap="lg">
              <Radio.Group label={t('deviceIds.label')} value={deviceIds} onChange={(value) => setDeviceIds(value)}>
                <Stack gap="xs" mt={6}>
                  <Radio value="hashed" label={t('deviceIds.hashed')} description={t('deviceIds.hashedAbout')} />
                  <Radio value="as-given" label={t('deviceIds.asGiven')} description={t('deviceIds.asGivenAbout')} />
                </Stack>
              </Radio.Group>
              <Radio.Group
                label={t('checkAccess.label')}
                value={checkAccess}
                onChange={(value) => setCheckAccess(value)}
              >
                <Stack gap="xs" mt={6}>
                  <Radio value="app-key" label={t('checkAccess.key')} description={t('checkAccess.keyAbout')} />
                  <Radio value="open" label={t('checkAccess.open')} description={t('checkAccess.openAbout')} />
                </Stack>
              </Radio.Group>
            </Stack>
          </Section>
          <ProblemPanel error={create.error} />
          <Group justify="flex-end" gap="xs">
            <ButtonLink variant="default" to="/">
              {t('new.cancel')}
            </ButtonLink>
            <Button type="submit" loading={create.isPending} disabled={platforms.length === 0}>
              {t('new.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  )
}

/** What people would write for it: "Corner Shop" is "corner-shop". */
function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '')
}
