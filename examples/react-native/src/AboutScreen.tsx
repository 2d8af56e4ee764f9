import { FlatList, Image, Platform, StyleSheet, Text, View } from 'react-native'

import release from '../release.json'
import { colors } from './theme'

const facts = [
  { label: 'Release', value: release.version },
  { label: 'Platform', value: `${Platform.OS} ${Platform.Version}` },
  { label: 'Engine', value: 'HermesInternal' in globalThis ? 'Hermes' : 'other' },
]

export function AboutScreen() {
  return (
    <FlatList
      data={facts}
      keyExtractor={(fact) => fact.label}
      ListHeaderComponent={<Image source={require('../assets/badge.png')} accessibilityLabel="Badge" />}
      renderItem={({ item }) => (
        <View style={styles.row}>
          <Text style={styles.label}>{item.label}</Text>
          <Text style={styles.value}>{item.value}</Text>
        </View>
      )}
    />
  )
}

const styles = StyleSheet.create({
  row: { flexDirection: 'row', justifyContent: 'space-between', paddingVertical: 12 },
  label: { fontSize: 16, color: colors.muted },
  value: { fontSize: 16, color: colors.text },
})
