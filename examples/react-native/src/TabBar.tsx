import { Pressable, StyleSheet, Text, View } from 'react-native'

import { colors } from './theme'

export type Tab = 'home' | 'updates' | 'about'

const tabs: { id: Tab; title: string }[] = [
  { id: 'home', title: 'Home' },
  { id: 'updates', title: 'Updates' },
  { id: 'about', title: 'About' },
]

export function TabBar({ selected, onSelect }: { selected: Tab; onSelect: (tab: Tab) => void }) {
  return (
    <View style={styles.bar}>
      {tabs.map(({ id, title }) => (
        <Pressable key={id} style={styles.tab} accessibilityRole="tab" onPress={() => onSelect(id)}>
          <Text style={[styles.title, id === selected && styles.selected]}>{title}</Text>
        </Pressable>
      ))}
    </View>
  )
}

const styles = StyleSheet.create({
  bar: { flexDirection: 'row', borderTopWidth: StyleSheet.hairlineWidth, borderColor: colors.muted },
  tab: { flex: 1, alignItems: 'center', paddingVertical: 16 },
  title: { fontSize: 16, color: colors.muted },
  selected: { color: colors.accent, fontWeight: '600' },
})
