/**
 * The protections of the egress door that a test can switch off, to show that the cases which name one turn red
 * without it. `main` seals them before anything else: then all are on for ever.
 */
export type Control =
  /** CONNECT, SNI, absolute-form and Host must name one authority. */
  | 'authority-equality'
  /** Addresses are no host names, in any spelling. */
  | 'ip-literals'
  /** Local and metadata names are refused, declared or not. */
  | 'local-names'
  /** Anything but the one well-formed framing is refused. */
  | 'strict-framing'
  /** What the agent sends as a credential is dropped. */
  | 'credential-strip'
  /** A credential goes only to its own route, over TLS, and is never left out. */
  | 'credential-binding'
  /** Credentials of this bottle are masked in what comes back. */
  | 'response-scrub'
  /** Secrets and what looks like one do not leave. */
  | 'outbound-scan'
  /** A placeholder goes nowhere; only in the slot of its route it may stand. */
  | 'placeholder-slot'
  /** Who sends the canary of the bottle is refused. */
  | 'canary'
  /** Instructions to the agent are looked for where a route says so. */
  | 'inbound-scan'
  /** So many new names under a wildcard and no more. */
  | 'name-budget'
  /** Upstream certificates are verified. */
  | 'upstream-verify'
  /** Paths that servers read in several ways are judged in each of them. */
  | 'path-canonical'
  /** What no route declares is refused. */
  | 'default-deny'
  /** Upstream is dialled only after a valid ClientHello. */
  | 'hello-before-dial'
  /** A new policy closes what it no longer allows. */
  | 'generations'
  /** An answer is forwarded only as the one response that was asked for. */
  | 'response-framing'
  /** No upgrade becomes a tunnel. */
  | 'upgrade-refused'
  /** A 101 proves that it answers our own handshake. */
  | 'websocket-accept'
  /** Only frames with one reading pass a WebSocket. */
  | 'websocket-frames'
  /** Pushes by HTTPS are refused on every route. */
  | 'git-by-https'
  /** Commits by a forge's API are refused for repositories behind the git gate. */
  | 'forge-commits'

const switchedOff = new Set<Control>()
let sealed = false

export const controls = {
  /** Whether the protection is in force. */
  on: (name: Control): boolean => switchedOff.size === 0 || !switchedOff.has(name),
  /** For tests only; throws once sealed. Returns how to switch it on again. */
  off(name: Control): () => void {
    if (sealed) throw new Error(`the protection ${name} cannot be switched off in a running program`)
    switchedOff.add(name)
    return () => switchedOff.delete(name)
  },
  seal(): void {
    switchedOff.clear()
    sealed = true
  },
} as const
