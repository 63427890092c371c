/** Controls on the way from the host into a bottle and out of one: manifest, builds, workspace, skills, frozen images. */
import type { Mutant } from './mutant.ts'

export const HOST_MUTANTS: readonly Mutant[] = [
  {
    control: 'configuration-anew',
    ids: ['ISO-02'],
    suite: 'unit/cli/workspace.test.ts',
    stays: /has no repository where it does not ask for one/,
    edits: [
      {
        file: 'src/cli/workspace/repository.ts',
        from: "Buffer.from(configOf(textIn(common, 'config') ?? ''))",
        to: "Buffer.from(textIn(common, 'config') ?? '')",
      },
    ],
  },
  {
    control: 'made-anew-not-frozen',
    ids: ['ISO-13'],
    suite: 'unit/docker/frozen-archive.test.ts',
    turns: /\(ISO-13\)/,
    stays: /is every other entry, byte for byte/,
    edits: [
      {
        file: 'src/drivers/docker/freeze/own-files.ts',
        from: "return 'own'",
        to: "return 'kept'",
      },
      {
        file: 'src/drivers/docker/freeze/own-files.ts',
        from: 'if (!marked.has(print)) return block',
        to: 'if (marked.size > 0) return block',
      },
      {
        file: 'src/drivers/docker/freeze/blank.ts',
        from: 'bytes.fill(BLANK, at, at + length)',
        to: '',
      },
      {
        file: 'src/drivers/docker/freeze/blank.ts',
        from: 'bytes.includes(begin)',
        to: 'bytes.equals(begin)',
      },
    ],
  },
  {
    control: 'plain-builds',
    ids: ['SPP-06'],
    suite: 'unit/manifest/dockerfile.test.ts',
    turns: /is refused with its line/,
    stays: /is built/,
    edits: [
      {
        file: 'src/manifest/dockerfile.ts',
        from: '.filter(asksForMore)',
        to: '.filter((flag) => asksForMore(flag) && flag.length > 99)',
      },
    ],
  },
  {
    control: 'context-of-files',
    ids: ['SPP-07'],
    suite: 'unit/manifest/build-context.test.ts',
    turns: /leaves links out/,
    stays: /says of each file/,
    edits: [
      {
        file: 'src/manifest/build-context.ts',
        from: 'if (!about.isFile() || ignored(path)) return',
        to: 'if (about.isDirectory() || ignored(path)) return',
      },
    ],
  },
  {
    control: 'no-link-on-the-way',
    ids: ['SPP-05'],
    suite: 'unit/manifest/provisions.test.ts',
    turns: /leads nowhere else/,
    stays: /is every file of its folder/,
    edits: [
      {
        file: 'src/manifest/folder.ts',
        from: 'constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK',
        to: 'constants.O_RDONLY | constants.O_NONBLOCK',
      },
    ],
  },
  {
    control: 'manifest-in-reach',
    ids: ['SPP-03'],
    suite: 'unit/manifest/files.test.ts',
    stays: /is warned about when a remote may push/,
    edits: [
      {
        file: 'src/manifest/reach.ts',
        from: "if (path === '-' || below.startsWith('..') || isAbsolute(below)) continue",
        to: 'if (below !== undefined) continue',
      },
    ],
  },
]
