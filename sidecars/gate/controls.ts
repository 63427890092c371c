/**
 * The protections of the git gate that a test can switch off, to show that the cases which name one turn red without
 * it. `main` seals them before anything else: then all are on for ever.
 */
import { createSwitches } from '../control/switches.ts'

export type GateControl =
  /** Only declared names are served, by exact comparison. */
  | 'declared-names'
  /** Git runs with nothing but what is written here. */
  | 'hermetic-git'
  /** Only what the upstream shows as branches and tags is served. */
  | 'declared-refs'
  /** Names of a push are of the closed language and declared. */
  | 'ref-language'
  /** Default branch, protected names, force and present values come from the upstream. */
  | 'ref-facts'
  /** One ref refused, all refused. */
  | 'whole-push'
  /** The upstream changes a ref only from the value that was judged. */
  | 'lease'
  /** What agents push is checked object by object. */
  | 'fsck'
  /** Every new object is scanned. */
  | 'scan'
  /** An object that was not scanned refuses the push. */
  | 'scan-count'
  /** Replacements of objects are ignored. */
  | 'no-replace'
  /** Declared author and committer. */
  | 'require-identity'
  /** Sizes of a push and of its files. */
  | 'sizes'
  /** Only pinned host keys. */
  | 'host-key'
  /** A client that says nothing is let go. */
  | 'stalls'
  /** Paths that need a second look are named. */
  | 'flag-paths'

export const controls = createSwitches<GateControl>()
