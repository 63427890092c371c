/**
 * The base image of this release: an ordinary pinned image where a registry answers, the same contents built locally
 * where none does. Both get the same tag, from the recipe: what a bottle is made from does not depend on the machine.
 */
import { digestOf } from '../../../model/json.ts'
import { ACCOUNT_COMMANDS } from './complete.ts'

/** Pinned by version; has node, git, curl, python3, perl, procps, openssh-client and ca-certificates. */
export const DEFAULT_BASE = 'docker.io/library/node:24.11.1-bookworm'

export const RECIPE = {
  pulled: DEFAULT_BASE,
  suite: 'bookworm',
  packages: [
    'ca-certificates',
    'curl',
    'git',
    'openssh-client',
    'perl',
    'procps',
    'python3',
    'less',
    'iproute2',
  ],
  node: '24',
  account: ACCOUNT_COMMANDS,
} as const

export interface BaseImage {
  readonly tag: string
  readonly inputDigest: string
  readonly base: string
}

export function baseImage(): BaseImage {
  const inputDigest = digestOf(RECIPE)
  return { tag: `bot-bottle/base:${inputDigest.slice(0, 12)}`, inputDigest, base: DEFAULT_BASE }
}
