/** Completion scripts: the shells ask the program itself (`__complete`), so that names come from live state. */
import { EXIT, UsageError } from '../../model/errors.ts'
import type { Invocation } from '../grammar/invocation.ts'

export async function run({ args, output }: Invocation): Promise<number> {
  const [shell = ''] = args
  const script = SCRIPTS[shell]
  if (script === undefined) {
    throw new UsageError(`there is no completion for \`${shell}\``, {
      code: 'unknown-shell',
      hint: 'bash, zsh or fish',
    })
  }
  output.result(script.split('\n'))
  return EXIT.done
}

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: String.raw`# bot-bottle, bash: source <(bot-bottle completion bash)
_bot_bottle() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(bot-bottle __complete "\${words[@]}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then compopt -o default 2>/dev/null; fi
}
complete -F _bot_bottle bot-bottle`.replaceAll('\\$', '$'),
  zsh: String.raw`#compdef bot-bottle
# bot-bottle, zsh: source <(bot-bottle completion zsh)
_bot_bottle() {
  local -a found
  found=("\${(@f)$(bot-bottle __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _bot_bottle bot-bottle`.replaceAll('\\$', '$'),
  fish: String.raw`# bot-bottle, fish: bot-bottle completion fish | source
function __bot_bottle_complete
  set -l words (commandline -opc) (commandline -ct)
  bot-bottle __complete $words[2..-1] 2>/dev/null
end
complete -c bot-bottle -a '(__bot_bottle_complete)'`,
}
