/** Says everything that is wrong with a manifest; looks at nothing live. */
import { EXIT, ManifestError } from '../../model/errors.ts'
import { diagnosticLines } from '../../render/diagnostics.ts'
import { safeJson } from '../../render/safe-json.ts'
import { count } from '../../render/words.ts'
import { safeText } from '../../model/text.ts'
import { openHome } from '../../state/home.ts'
import type { Invocation } from '../invocation.ts'
import { loadFor } from '../load.ts'
import { settingsOf } from '../settings.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, output, io } = invocation
  const json = options.text('output') === 'json'
  const { stateDir } = settingsOf(invocation)
  try {
    const { desired, texts } = await loadFor(
      invocation,
      openHome({ env: io.env, ...(stateDir !== undefined && { stateDir }) }),
    )
    if (json)
      output.result([
        safeJson({
          valid: true,
          stack: desired.stack,
          bottles: desired.bottles,
          diagnostics: desired.warnings,
        }),
      ])
    else if (!options.flag('quiet')) {
      if (desired.warnings.length > 0) output.note(diagnosticLines(desired.warnings, texts, output.noteStyle))
      output.result([`${safeText(desired.stack)}: valid, ${count(desired.bottles.length, 'bottle')}`])
    }
    return EXIT.done
  } catch (error) {
    if (!json || !(error instanceof ManifestError)) throw error
    output.result([safeJson({ valid: false, diagnostics: error.diagnostics })])
    return EXIT.invalid
  }
}
