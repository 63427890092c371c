/** The command about deploy keys. */
import type { CommandSpec } from './invocation.ts'
import { MANIFEST, OUTPUT, STACK, YES } from './shared-options.ts'

export const GIT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'keys',
    group: 'Bottles',
    arguments: '[revoke ID | forget ID]',
    arity: [0, 2],
    summary: 'Show the deploy keys of a stack as forges list them, revoke or forget one',
    examples: ['bot-bottle keys', 'bot-bottle keys --all', 'bot-bottle keys revoke 3fa1c2d4e5b60718'],
    text: [
      'Age, last use where the forge tells, and what becomes of each key. Keys of other installations are never touched',
      'by `apply` or `destroy`; `keys revoke` takes away one of them, or one of this stack, which `apply` makes anew.',
      '`keys forget ID` takes away only what is held here, of a key that no forge lists: where its repository is deleted,',
      'no forge ever confirms that it is revoked, and `destroy` would fail for good. The journal keeps its fingerprint.',
    ],
    options: [
      ...MANIFEST,
      STACK,
      { flags: '--all', type: 'flag', text: 'also keys of other stacks, installations and programs' },
      { ...YES, text: 'do not ask before a key is revoked or forgotten' },
      OUTPUT('pretty', 'json'),
    ],
  },
]
