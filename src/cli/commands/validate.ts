/** Says everything that is wrong with a manifest; looks at nothing live. */
import { EXIT, ManifestError } from '../../model/errors.ts'
import { unsupported } from '../../manifest/not-supported.ts'
import { diagnosticLines } from '../../render/diagnostics.ts'
import { safeJson } from '../../render/safe-json.ts'
import { count } from '../../render/words.ts'
import { safeText } from '../../model/text.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { loadFor } from '../stack/load.ts'
import { homeOf } from '../stack/home-of.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, output } = invocation
  const json = options.text('output') === 'json'
  try {
    const loaded = await loadFor(invocation, homeOf(invocation))
    const { desired, texts } = loaded
    // Valid, and refused by this version or on this host all the same: better known before `diff`.
    const notes = unsupported(loaded).map((found) => ({ ...found, severity: 'warning' as const }))
    const found = [...desired.warnings, ...notes]
    if (json)
      output.result([
        safeJson({
          valid: true,
          stack: desired.stack,
          bottles: desired.bottles,
          diagnostics: found,
        }),
      ])
    else if (!options.flag('quiet')) {
      if (found.length > 0) output.note(diagnosticLines(found, texts, output.noteStyle))
      const refused = notes.length === 0 ? '' : '; `diff` and `apply` refuse it for now, see above'
      output.result([
        `${safeText(desired.stack)}: valid, ${count(desired.bottles.length, 'bottle')}${refused}`,
      ])
    }
    return EXIT.done
  } catch (error) {
    if (!json || !(error instanceof ManifestError)) throw error
    output.result([safeJson({ valid: false, diagnostics: error.diagnostics })])
    return EXIT.invalid
  }
}
