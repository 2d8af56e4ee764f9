import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { copyReactNativeApp, setRelease } from '../tests/react-native-app.ts'

export const BUNDLE = 'index.android.bundle'
const MODULES = fileURLToPath(new URL('../examples/react-native/node_modules', import.meta.url))

const execute = promisify(execFile)

export interface ExampleBundles {
  base: string
  /** A text on the first screen, and the version. */
  fix: string
  /** A screen of its own, with components of React Native that nothing used before. */
  feature: string
}

export function isExampleInstalled(): boolean {
  return existsSync(join(MODULES, 'react-native/package.json'))
}

/** Folders as the bundler writes them, with JavaScript. */
export async function bundleExample(directory: string): Promise<ExampleBundles> {
  const app = await copyReactNativeApp(directory)
  const base = await bundle(app, join(directory, 'base'))
  await setRelease(app, { version: '1.0.1', headline: 'Hello from the release after it, whose text is right' })
  const fix = await bundle(app, join(directory, 'fix'))
  await setRelease(app, { version: '1.1.0', headline: 'Hello from the second release' })
  await addNotes(app)
  return { base, fix, feature: await bundle(app, join(directory, 'feature')) }
}

async function bundle(app: string, output: string): Promise<string> {
  await mkdir(output)
  const cli = join(app, 'node_modules/.bin/react-native')
  const to = ['--bundle-output', join(output, BUNDLE), '--assets-dest', output]
  await execute(
    process.execPath,
    [cli, 'bundle', '--platform', 'android', '--dev', 'false', '--entry-file', 'index.js', ...to],
    {
      cwd: app,
      maxBuffer: 2 ** 26,
    },
  )
  return output
}

/** A copy of a bundled folder with bytecode, optimised so that it differs little from the bytecode of `base`. */
export async function compileHermes(folder: string, output: string, base?: string): Promise<string> {
  const reactNative = createRequire(join(MODULES, 'react-native/package.json'))
  const compiler = join(reactNative.resolve('hermes-compiler/package.json'), '../hermesc/linux64-bin/hermesc')
  await cp(folder, output, { recursive: true })
  const options = base === undefined ? [] : ['-base-bytecode', join(base, BUNDLE)]
  await execute(compiler, ['-w', '-O', '-emit-binary', ...options, '-out', join(output, BUNDLE), join(folder, BUNDLE)])
  return output
}

async function addNotes(app: string): Promise<void> {
  await writeFile(join(app, 'src/NotesScreen.tsx'), NOTES)
  const main = join(app, 'src/App.tsx')
  const text = await readFile(main, 'utf8')
  const changed = text
    .replace("from './HomeScreen'", "from './HomeScreen'\nimport { NotesScreen } from './NotesScreen'")
    .replace('<AboutScreen />}', '<NotesScreen />}')
  if (!changed.includes('<NotesScreen')) throw new Error('Expected the example to show <AboutScreen />, found another.')
  await writeFile(main, changed)
}

const NOTES = `import { useState } from 'react'
import { Alert, FlatList, Modal, Pressable, RefreshControl, StyleSheet, Switch, Text, TextInput, View } from 'react-native'

import { AboutScreen } from './AboutScreen'
import { colors } from './theme'

interface Note {
  id: number
  text: string
  isDone: boolean
}

export function NotesScreen() {
  const [notes, setNotes] = useState<Note[]>([])
  const [draft, setDraft] = useState('')
  const [isAboutShown, showAbout] = useState(false)

  function add() {
    if (draft.trim() === '') {
      Alert.alert('An empty note', 'Write something first.')
      return
    }
    setNotes([...notes, { id: Date.now(), text: draft.trim(), isDone: false }])
    setDraft('')
  }

  function toggle(id: number) {
    setNotes(notes.map((note) => (note.id === id ? { ...note, isDone: !note.isDone } : note)))
  }

  return (
    <View style={styles.screen}>
      <TextInput style={styles.input} value={draft} onChangeText={setDraft} onSubmitEditing={add} placeholder="A new note" />
      <FlatList
        data={notes}
        keyExtractor={(note) => String(note.id)}
        refreshControl={<RefreshControl refreshing={false} onRefresh={() => setNotes(notes.filter((note) => !note.isDone))} />}
        renderItem={({ item }) => (
          <View style={styles.row}>
            <Text style={[styles.text, item.isDone && styles.done]}>{item.text}</Text>
            <Switch value={item.isDone} onValueChange={() => toggle(item.id)} />
          </View>
        )}
      />
      <Pressable onPress={() => showAbout(true)}>
        <Text style={styles.link}>About this release</Text>
      </Pressable>
      <Modal visible={isAboutShown} onRequestClose={() => showAbout(false)}>
        <AboutScreen />
      </Modal>
    </View>
  )
}

const styles = StyleSheet.create({
  screen: { flex: 1, gap: 12 },
  input: { borderWidth: 1, borderColor: colors.muted, borderRadius: 8, padding: 12, fontSize: 16 },
  row: { flexDirection: 'row', justifyContent: 'space-between', paddingVertical: 12 },
  text: { fontSize: 16, color: colors.text },
  done: { textDecorationLine: 'line-through', color: colors.muted },
  link: { fontSize: 16, color: colors.muted, textAlign: 'center', padding: 12 },
})
`
