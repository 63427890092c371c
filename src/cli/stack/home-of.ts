/** The program's own folder, as flags and environment name it. */
import { openHome } from '../../state/home.ts'
import type { Home } from '../../state/home.ts'
import type { Invocation } from '../grammar/invocation.ts'

export function homeOf({ io, options }: Pick<Invocation, 'io' | 'options'>): Home {
  const stateDir = options.text('stateDir')
  return openHome({ env: io.env, ...(stateDir !== undefined && { stateDir }) })
}
