/** `--help`, `help COMMAND`, `help TOPIC`. */
import { EXIT, UsageError } from '../../model/errors.ts'
import type { Exit } from '../../model/errors.ts'
import { commandHelp, programHelp } from '../../render/help.ts'
import type { Output } from '../../render/output.ts'
import { COMMANDS, GROUPS, TOPICS } from './catalogue.ts'
import { SHARED } from './shared-options.ts'

/** Without arguments at all the text is an answer to a mistake: stderr, exit 2. */
export async function help(words: readonly string[], output: Output, mistaken: boolean): Promise<Exit> {
  const [about = ''] = words.filter((word) => !word.startsWith('-'))
  const command = COMMANDS.find((candidate) => candidate.name === about)
  if (command) {
    output.result(
      commandHelp(
        { ...command, options: command.options.filter((option) => option.hidden !== true) },
        SHARED,
        output.style,
      ),
    )
    return EXIT.done
  }
  if (about !== '') {
    output.result(await topic(about))
    return EXIT.done
  }
  const groups = GROUPS.map((title) => ({
    title,
    commands: COMMANDS.filter((candidate) => candidate.group === title),
  }))
  const lines = programHelp(groups, TOPICS, mistaken ? output.noteStyle : output.style)
  if (mistaken) output.note(lines)
  else output.result(lines)
  return mistaken ? EXIT.invalid : EXIT.done
}

async function topic(name: string): Promise<readonly string[]> {
  switch (name) {
    case 'manifest':
      return (await import('./topics/manifest.ts')).LINES
    case 'exit-codes':
      return (await import('./topics/exit-codes.ts')).LINES
    case 'security':
      return (await import('./topics/security.ts')).LINES
    default:
      throw new UsageError(`no command and no topic is called \`${name}\``, {
        code: 'unknown-topic',
        hint: `topics: ${TOPICS.join(', ')}`,
      })
  }
}
