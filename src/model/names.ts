/**
 * Names and what they are called on the engine (contract.md, Names and marks).
 * Live names use `_`, which no name contains, so two pairs never give one live name.
 */

/** Stack, bottle definition, agent, remote, skill. */
export const NAME_PATTERN = /^[a-z](-?[a-z0-9]){0,62}$/

/** `stack` + agent together: the longest live name stays below 128 characters. */
export const STACK_AND_BOTTLE_MAX = 62

export const LABEL_PREFIX = 'dev.bot-bottle.'
export const LABELS = {
  stack: `${LABEL_PREFIX}stack`,
  address: `${LABEL_PREFIX}address`,
  installation: `${LABEL_PREFIX}installation`,
  digest: `${LABEL_PREFIX}digest`,
  digestVersion: `${LABEL_PREFIX}digest-version`,
  program: `${LABEL_PREFIX}program`,
} as const

export function isName(text: string): boolean {
  return NAME_PATTERN.test(text) && text.length <= 63
}

export const liveNames = {
  holder: (stack: string, bottle: string) => `bb_${stack}_${bottle}_net`,
  agent: (stack: string, bottle: string) => `bb_${stack}_${bottle}_agent`,
  bundle: (stack: string, bottle: string) => `bb_${stack}_${bottle}_bundle`,
  work: (stack: string, bottle: string) => `bb_${stack}_${bottle}_work`,
  home: (stack: string, bottle: string) => `bb_${stack}_${bottle}_home`,
  machine: (stack: string, bottle: string) => `bb_${stack}_${bottle}`,
  uplink: (stack: string) => `bb_${stack}_uplink`,
  uplinkSocket: (stack: string) => `bb_${stack}_uplink_sock`,
} as const

/** Name of our own among the MCP servers of an agent. */
export const MCP_OWN_NAME = 'bot-bottle'

/** The doors of a bottle, on loopback of its namespace, below 1024 (architecture.md, Topology). */
export const DOORS = { egress: 909, supervise: 910, git: 941 } as const

/** Where clients that ignore proxy variables arrive: names resolve to this address. */
export const TRANSPARENT_ADDRESS = '127.0.0.2'
