import { describeContentKind } from '../testing/content-kind-suite.ts'
import { filesKind } from './files-kind.ts'

describeContentKind(filesKind, {
  as: 'files',
  platform: 'android',
  entry: 'main.js',
  asked: 'files',
  publish: (folder) => ['publish', folder, '--kind', 'files', '--any-native'],
  good: { 'main.js': 'var a = 1', 'assets/logo.png': 'png', 'assets/ä.css': 'a', 'assets/again.css': 'a' },
  foreign: [
    {
      comment: 'a folder of which nobody has said so',
      platform: 'android',
      input: async ({ cwd }) => ({ kind: 'folder', path: cwd }),
    },
    {
      comment: 'a file',
      platform: 'android',
      input: async ({ cwd }) => ({ kind: 'file', path: cwd }),
    },
  ],
  unfit: [
    { comment: 'not what is run first', files: { 'other.js': 'a' }, check: 'entry' },
    { comment: 'what must stay secret', files: { 'main.js': 'a', '.env': 'a' }, check: 'secret' },
  ],
})
