/** Every field of one object and the line it came from. */
import { EXIT } from '../../model/errors.ts'
import { explain } from '../../manifest/explain.ts'
import { explainLines } from '../../render/explain.ts'
import { safeJson } from '../../render/safe-json.ts'
import { openHome } from '../../state/home.ts'
import type { Invocation } from '../invocation.ts'
import { loadFor } from '../load.ts'
import { settingsOf } from '../settings.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, output, io } = invocation
  const { stateDir } = settingsOf(invocation)
  const loaded = await loadFor(
    invocation,
    openHome({ env: io.env, ...(stateDir !== undefined && { stateDir }) }),
  )
  const explained = explain(loaded, args[0] ?? '')
  output.result(
    options.text('output') === 'json'
      ? safeJson(explained, 2).split('\n')
      : explainLines(explained, output.style),
  )
  return EXIT.done
}
