import type { App, AppChanges } from '@hotpatch/api'
import { Button, Checkbox, Radio, SimpleGrid, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Confirm } from '../ground/confirm.tsx'
import { CopyValue } from '../ground/copy-command.tsx'
import { useMay } from '../ground/permissions.ts'
import { Section } from '../ground/page.tsx'
import { queries, serverKey } from '../ground/queries.ts'
import { SaveBar } from './save-bar.tsx'
import { useAppChanges } from './use-app-changes.ts'
import classes from './settings.module.css'

const PLATFORMS = ['android', 'ios', 'web', 'windows', 'macos', 'linux', 'any'] as const

export function GeneralSettings({ app }: { app: App }) {
  const { t } = useTranslation('settings')
  const apps = useTranslation('apps').t
  const { save, isReadOnly } = useAppChanges(app)
  const [changes, setChanges] = useState<AppChanges>({})
  const now = { ...app, ...changes }
  const set = (change: AppChanges) => setChanges((before) => ({ ...before, ...change }))
  return (
    <Stack gap="lg">
      <Section title={t('identity.title')} about={t('identity.about')}>
        <dl className={classes.values}>
          <dt>{t('identity.slug')}</dt>
          <dd>
            <CopyValue value={app.slug} />
          </dd>
          <dt>{t('identity.id')}</dt>
          <dd>
            <CopyValue value={app.id} />
          </dd>
          <dt>{t('identity.key')}</dt>
          <dd>
            <CopyValue value={app.appKey} />
          </dd>
        </dl>
      </Section>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate(changes, { onSuccess: () => setChanges({}) })
        }}
      >
        <fieldset disabled={isReadOnly} className={classes.fields}>
          <Section title={t('general.title')}>
            <Stack gap="lg">
              <TextInput
                label={apps('name')}
                value={now.name}
                onChange={(event) => set({ name: event.currentTarget.value })}
                maxLength={100}
                required
              />
              <Checkbox.Group
                label={apps('platforms')}
                value={now.platforms}
                onChange={(platforms) => set({ platforms: platforms })}
              >
                <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="xs" mt={6}>
                  {PLATFORMS.map((platform) => (
                    <Checkbox key={platform} value={platform} label={apps(`platform.${platform}`)} />
                  ))}
                </SimpleGrid>
              </Checkbox.Group>
              <Radio.Group
                label={apps('checkAccess.label')}
                value={now.checkAccess}
                onChange={(value) => set({ checkAccess: value })}
              >
                <Stack gap="xs" mt={6}>
                  <Radio value="app-key" label={apps('checkAccess.key')} description={apps('checkAccess.keyAbout')} />
                  <Radio value="open" label={apps('checkAccess.open')} description={apps('checkAccess.openAbout')} />
                </Stack>
              </Radio.Group>
              <Radio.Group
                label={apps('deviceIds.label')}
                description={t('general.deviceIdsAbout')}
                value={now.deviceIds}
                onChange={(value) => set({ deviceIds: value })}
              >
                <Stack gap="xs" mt={6}>
                  <Radio value="hashed" label={apps('deviceIds.hashed')} />
                  <Radio value="as-given" label={apps('deviceIds.asGiven')} />
                </Stack>
              </Radio.Group>
              <Switch
                label={t('general.signing')}
                description={t('general.signingAbout')}
                checked={now.signing === 'required'}
                onChange={(event) => set({ signing: event.currentTarget.checked ? 'required' : 'optional' })}
              />
              <TagsInput
                label={t('general.bundleIds')}
                description={t('general.bundleIdsAbout')}
                value={now.bundleIds}
                onChange={(bundleIds) => set({ bundleIds })}
                maxTags={20}
              />
              <SaveBar
                error={save.error}
                isBusy={save.isPending}
                isChanged={Object.keys(changes).length > 0}
                isReadOnly={isReadOnly}
              />
            </Stack>
          </Section>
        </fieldset>
      </form>
      <RemoveApp app={app} />
    </Stack>
  )
}

function RemoveApp({ app }: { app: App }) {
  const { t } = useTranslation('settings')
  const api = useApi()
  const may = useMay()
  const navigate = useNavigate()
  const [isAsking, setIsAsking] = useState(false)
  if (!may('apps:change', app.id)) return null
  return (
    <Section title={t('remove.title')} about={t('remove.about')}>
      <Button variant="outline" color="red" onClick={() => setIsAsking(true)}>
        {t('remove.action')}
      </Button>
      <Confirm
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={t('remove.question', { app: app.name })}
        action={t('remove.action')}
        mustType={app.slug}
        isDangerous
        onConfirm={async () => {
          await api.deleteApp(app.slug)
          await navigate({ to: '/' })
          await queries.invalidateQueries({ queryKey: serverKey('apps') })
        }}
      >
        <Text>{t('remove.what')}</Text>
      </Confirm>
    </Section>
  )
}
