import { OTA, useUpdate, useUpdateProgress, type UpdateOutcome } from '@hotpatch/react-native'
import { Pressable, StyleSheet, Text, View } from 'react-native'

import { colors } from './theme'

const channels = ['production', 'staging']

/** What runs, what waits, and what can be done about it. */
export function UpdatesScreen() {
  const { status, phase, isBusy, outcome, sync, apply } = useUpdate()
  const progress = useUpdateProgress()
  const facts = [
    ['Runs', status.running.releaseId ? status.running.version : 'what the app shipped with'],
    ['Standing', status.standing ?? '–'],
    ['Waits', status.staged?.version ?? '–'],
    ['Channel', status.channel],
    ['Now', progress ? `${Math.round(progress.fraction * 100)} % downloaded` : phase],
  ]
  return (
    <View style={styles.screen}>
      {facts.map(([label, value]) => (
        <View key={label} style={styles.row}>
          <Text style={styles.label}>{label}</Text>
          <Text style={styles.value}>{value}</Text>
        </View>
      ))}
      {outcome && <Text style={styles.label}>{inWords(outcome)}</Text>}
      <Button title="Look for an update" disabled={isBusy} onPress={() => void sync()} />
      {status.staged && <Button title="Restart into it" onPress={() => void apply()} />}
      <View style={styles.row}>
        {channels.map((channel) => (
          <Button
            key={channel}
            title={channel}
            disabled={isBusy || status.channel === channel}
            onPress={() => void OTA.setChannel(channel).then(sync)}
          />
        ))}
      </View>
    </View>
  )
}

function inWords(outcome: UpdateOutcome): string {
  switch (outcome.kind) {
    case 'up-to-date':
      return outcome.nativeUpdate ? 'There is a newer app in the store.' : 'This is the newest there is.'
    case 'available':
      return `${outcome.version} can be downloaded.`
    case 'available-embedded':
      return 'The way back to what the app shipped with is ordered.'
    case 'staged':
      return `${outcome.version} is ready for the next start.`
    case 'failed':
      return outcome.error.isRetryable ? 'That did not work. It is tried again later.' : `Refused: ${outcome.code}.`
    case 'unavailable':
      return `No updates here: ${outcome.reason}.`
  }
}

function Button(props: { title: string; disabled?: boolean; onPress: () => void }) {
  return (
    <Pressable
      style={[styles.button, props.disabled && styles.disabled]}
      disabled={props.disabled}
      accessibilityRole="button"
      onPress={props.onPress}
    >
      <Text style={styles.buttonText}>{props.title}</Text>
    </Pressable>
  )
}

const styles = StyleSheet.create({
  screen: { flex: 1, gap: 16 },
  row: { flexDirection: 'row', justifyContent: 'space-between', gap: 12 },
  label: { fontSize: 16, color: colors.muted },
  value: { fontSize: 16, color: colors.text },
  button: { paddingVertical: 12, paddingHorizontal: 24, borderRadius: 8, backgroundColor: colors.accent },
  disabled: { opacity: 0.4 },
  buttonText: { fontSize: 16, color: colors.background, textAlign: 'center' },
})
