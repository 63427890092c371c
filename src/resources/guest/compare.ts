import type { KindDefinition } from '../kind.ts'
import type { GuestSpec } from './spec.ts'

/** Environment and trust are read by a program when it starts, git's configuration by each git; prompt, skills and MCP servers are written at once and read at the next start. */
export const guestImpacts: KindDefinition<GuestSpec>['impacts'] = {
  env: 'restart-agent',
  files: 'restart-agent',
  root: 'restart-agent',
  nextRoot: 'next-start',
  git: 'live',
  prompt: 'next-start',
  skills: 'next-start',
  mcp: 'next-start',
  headless: 'restart-agent',
  onExit: 'live',
  probe: 'live',
}
