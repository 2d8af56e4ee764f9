import { COHORT_LIMITS, type Cohort } from '@hotpatch/api'
import { Button, FileButton, Group, Stack, Text, Textarea } from '@mantine/core'
import { IconFileUpload } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { readDeviceIds } from './read-device-ids.ts'

/** By their ids, or by a file with one in the first column of each line. */
export function AddDevices({ app, cohort: { name, deviceCount } }: { app: string; cohort: Cohort }) {
  const { t } = useTranslation('cohorts')
  const api = useApi()
  const figures = useFigures()
  const [typed, setTyped] = useState('')
  const [replacement, setReplacement] = useState<File>()
  const [tooLarge, setTooLarge] = useState<string>()
  const invalidates = [appKey(app, 'cohort', name), appKey(app, 'cohorts')]
  const add = useChange({
    change: () => api.changeCohort(app, name, { add: readDeviceIds(typed) }),
    invalidates,
    done: t('added'),
    onDone: () => setTyped(''),
  })
  const upload = useChange({
    change: async ({ file, replace }: { file: File; replace: boolean }) =>
      api.uploadCohort(app, name, await file.text(), { replace }),
    invalidates,
    done: t('uploaded'),
  })

  function choose(file: File | null, act: (file: File) => void) {
    setTooLarge(undefined)
    if (!file) return
    if (file.size > COHORT_LIMITS.csvBytes) setTooLarge(file.name)
    else act(file)
  }

  return (
    <Section title={t('add')} about={t('addAbout')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate()
        }}
      >
        <Stack gap="sm">
          <Textarea
            aria-label={t('devices')}
            placeholder={t('devicesAbout')}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autosize
            minRows={2}
            maxRows={8}
            spellCheck={false}
          />
          <ProblemPanel error={add.error ?? upload.error} />
          {tooLarge !== undefined && (
            <Text c="red" role="alert">
              {t('tooLarge', { name: tooLarge, size: figures.bytes(COHORT_LIMITS.csvBytes) })}
            </Text>
          )}
          <Group gap="xs">
            <Button type="submit" loading={add.isPending} disabled={readDeviceIds(typed).length === 0}>
              {t('add')}
            </Button>
            <FileButton
              accept=".csv,text/csv,text/plain"
              onChange={(file) => choose(file, (chosen) => upload.mutate({ file: chosen, replace: false }))}
            >
              {(props) => (
                <Button
                  {...props}
                  variant="default"
                  leftSection={<IconFileUpload size={16} aria-hidden />}
                  loading={upload.isPending}
                >
                  {t('addCsv')}
                </Button>
              )}
            </FileButton>
            <FileButton accept=".csv,text/csv,text/plain" onChange={(file) => choose(file, setReplacement)}>
              {(props) => (
                <Button
                  {...props}
                  variant="default"
                  leftSection={<IconFileUpload size={16} aria-hidden />}
                  disabled={upload.isPending}
                >
                  {t('replaceCsv')}
                </Button>
              )}
            </FileButton>
          </Group>
        </Stack>
      </form>
      <Confirm
        opened={replacement !== undefined}
        onClose={() => setReplacement(undefined)}
        title={t('replaceAsk', { name })}
        action={t('replace')}
        isDangerous
        onConfirm={async () => replacement && upload.mutateAsync({ file: replacement, replace: true })}
      >
        {t('replaceWill', { file: replacement?.name ?? '', count: deviceCount })}
      </Confirm>
    </Section>
  )
}
