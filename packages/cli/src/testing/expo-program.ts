/** What `npx expo …` and `npx expo-updates …` do, as far as a publish can tell. */
export const EXPO_PROGRAM = `
const fs = require('fs')
const { join } = require('path')
const all = process.argv.slice(2)
const [tool, verb, ...words] = all
fs.appendFileSync('npx.log', all.join(' ') + '\\n')
const after = (name) => words.flatMap((word, index) => (words[index - 1] === name ? [word] : []))
if (tool === 'expo-updates') console.log(JSON.stringify({ runtimeVersion: 'print-' + after('--platform')[0] }))
else if (verb === 'config') {
  console.log('env: load .env')
  console.log(JSON.stringify(JSON.parse(fs.readFileSync('app.json', 'utf8')).expo))
} else if (fs.existsSync('broken')) {
  console.log('Metro says no')
  process.exitCode = 3
} else {
  const [out] = after('--output-dir')
  const asset = 'assets/' + 'a'.repeat(32)
  const fileMetadata = {}
  const write = (name, text) => {
    fs.mkdirSync(join(out, name, '..'), { recursive: true })
    fs.writeFileSync(join(out, name), text)
  }
  write(asset, 'png')
  for (const platform of after('--platform')) {
    const bundle = '_expo/static/js/' + platform + '/index.hbc'
    write(bundle, fs.readFileSync('index.js', 'utf8') + platform)
    fileMetadata[platform] = { bundle, assets: [{ path: asset, ext: 'png' }] }
  }
  write('metadata.json', JSON.stringify({ version: 0, bundler: 'metro', fileMetadata }))
}
`
