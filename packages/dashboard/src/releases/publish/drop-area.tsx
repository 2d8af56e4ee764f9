import { Button, Group, Stack, Text } from '@mantine/core'
import { IconFolderUp, IconUpload } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readDrop, readInput, type Dropped } from './dropped-files.ts'
import classes from './publish.module.css'

/** A folder, a zip or the files of a whole app: dropped, or chosen. */
export function DropArea({
  onDropped,
  onError,
}: {
  onDropped: (dropped: Dropped) => void
  onError: (error: unknown) => void
}) {
  const { t } = useTranslation('publish')
  const [isOver, setIsOver] = useState(false)
  const folder = useRef<HTMLInputElement>(null)
  const files = useRef<HTMLInputElement>(null)

  function read(input: HTMLInputElement): void {
    if (!input.files || input.files.length === 0) return
    try {
      onDropped(readInput(input.files))
    } catch (error) {
      onError(error)
    }
    input.value = ''
  }

  return (
    <div
      className={classes.drop}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        event.preventDefault()
        setIsOver(true)
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setIsOver(false)
        readDrop(event.dataTransfer).then(onDropped, onError)
      }}
    >
      <Stack gap="sm" align="center">
        <IconUpload size={36} stroke={1.4} aria-hidden />
        <Text size="md" fw={500} ta="center">
          {t('drop.title')}
        </Text>
        <Text c="dimmed" ta="center" maw="36rem">
          {t('drop.about')}
        </Text>
        <Group gap="sm" justify="center">
          <Button leftSection={<IconFolderUp size={16} aria-hidden />} onClick={() => folder.current?.click()}>
            {t('drop.folder')}
          </Button>
          <Button variant="default" onClick={() => files.current?.click()}>
            {t('drop.files')}
          </Button>
        </Group>
      </Stack>
      <input
        ref={folder}
        type="file"
        hidden
        aria-label={t('drop.folder')}
        data-testid="choose-folder"
        multiple
        {...{ webkitdirectory: '' }}
        onChange={(event) => read(event.currentTarget)}
      />
      <input
        ref={files}
        type="file"
        hidden
        multiple
        aria-label={t('drop.files')}
        data-testid="choose-files"
        onChange={(event) => read(event.currentTarget)}
      />
    </div>
  )
}
