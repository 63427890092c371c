/** Where each command is; loaded when it runs. */
import { BottleError, EXIT } from '../../model/errors.ts'
import type { Invocation } from './invocation.ts'

export interface CommandModule {
  /** The exit code; of the program for run, exec and attach. */
  run(invocation: Invocation): Promise<number>
}

const MODULES: Readonly<Record<string, () => Promise<CommandModule>>> = {
  apply: () => import('../commands/apply.ts'),
  attach: () => import('../commands/attach.ts'),
  changes: () => import('../commands/changes.ts'),
  completion: () => import('../commands/completion.ts'),
  cp: () => import('../commands/cp.ts'),
  destroy: () => import('../commands/destroy.ts'),
  diff: () => import('../commands/diff.ts'),
  doctor: () => import('../commands/doctor.ts'),
  exec: () => import('../commands/exec.ts'),
  explain: () => import('../commands/explain.ts'),
  forget: () => import('../commands/forget.ts'),
  freeze: () => import('../commands/freeze.ts'),
  har: () => import('../commands/har.ts'),
  init: () => import('../commands/init.ts'),
  keys: () => import('../commands/keys.ts'),
  logs: () => import('../commands/logs.ts'),
  metrics: () => import('../commands/metrics.ts'),
  plugins: () => import('../commands/plugins.ts'),
  policy: () => import('../commands/policy.ts'),
  prune: () => import('../commands/prune.ts'),
  resume: () => import('../commands/resume.ts'),
  run: () => import('../commands/run.ts'),
  schema: () => import('../commands/schema.ts'),
  start: () => import('../commands/start.ts'),
  status: () => import('../commands/status.ts'),
  stop: () => import('../commands/stop.ts'),
  top: () => import('../commands/top.ts'),
  validate: () => import('../commands/validate.ts'),
  version: () => import('../commands/version.ts'),
  watch: () => import('../commands/watch.ts'),
}

export async function loadCommand(name: string): Promise<CommandModule> {
  const load = MODULES[name]
  if (load) return load()
  throw new BottleError(EXIT.internal, `command ${name} has no module`, { code: 'internal' })
}
