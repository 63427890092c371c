/** For each rule: whether anything in a manifest could have let the request pass. A new rule says it here; a test asks for it. */

export type Remedy =
  /** A route, or an entry of its `matches`. */
  | 'route'
  /** A deny entry of the manifest refuses it. */
  | 'deny'
  /** Another key of the route. */
  | 'option'
  /** A limit of the route. */
  | 'limit'
  /** The reference of a credential. */
  | 'credential'
  /** No line of a manifest can allow it. */
  | 'never'
  /** What scanning found, or could not look into. */
  | 'finding'
  /** The upstream, or the way to it. */
  | 'upstream'
  /** The door's own state. */
  | 'door'

const SAID: Readonly<Record<string, Remedy>> = {
  'host-undeclared': 'route',
  'port-undeclared': 'route',
  'scheme-undeclared': 'route',
  'request-undeclared': 'route',
  'request-denied': 'deny',
  'no-policy': 'door',
  'websocket-undeclared': 'option',
  'git-push': 'never',
  'forge-commit': 'never',
  'git-fetch': 'route',
  'host-not-inspected': 'route',
  'local-name': 'never',
  'ip-literal': 'never',
  'upgrade-refused': 'never',
  'websocket-handshake': 'never',
  'websocket-frame': 'never',
  'method-refused': 'never',
  'method-override': 'never',
  'path-ambiguous': 'never',
  'authority-invalid': 'never',
  'authority-mismatch': 'never',
  'host-mismatch': 'never',
  'request-malformed': 'never',
  'request-too-large': 'never',
  'request-timeout': 'never',
  'expectation-unknown': 'never',
  'hello-invalid': 'never',
  'hello-without-name': 'never',
  'hello-encrypted-name': 'never',
  'issuer-missing': 'door',
  'credential-missing': 'credential',
  'credential-invalid': 'credential',
  'credential-cleartext': 'credential',
  'signing-unclear': 'never',
  'signing-pieces': 'never',
  'signing-body': 'never',
  'secret-found': 'finding',
  'placeholder-misplaced': 'finding',
  canary: 'finding',
  uninspectable: 'finding',
  'inbound-found': 'finding',
  'name-budget': 'route',
  'limit-rate': 'limit',
  'limit-body': 'limit',
  'limit-bytes-out': 'limit',
  'limit-time': 'limit',
  'upstream-unreachable': 'upstream',
  'upstream-refused': 'upstream',
  'upstream-untrusted': 'upstream',
  'upstream-malformed': 'upstream',
  'upstream-handshake': 'upstream',
  'upstream-frame': 'upstream',
  'upstream-without-h2': 'upstream',
  'upstream-closed': 'upstream',
  'encoding-unreadable': 'upstream',
  'upstream-timeout': 'upstream',
  overload: 'door',
  'policy-narrowed': 'route',
  internal: 'door',
}

/** `undefined` for what is no rule of this version. */
export const remedyOf = (rule: string): Remedy | undefined =>
  Object.hasOwn(SAID, rule) ? SAID[rule] : undefined
