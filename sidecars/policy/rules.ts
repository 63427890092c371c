/**
 * Every rule that can refuse something, by its stable id: the HTTP status and the sentence. Ids appear in refusals,
 * audit lines and docs; they are never renamed. Sentences hold nothing an agent sent.
 */
export const RULES = {
  // what the manifest does not say
  'host-undeclared': { status: 403, words: 'is not declared for this bottle' },
  'port-undeclared': { status: 403, words: 'is declared for this bottle, but not on this port' },
  'scheme-undeclared': { status: 403, words: 'is declared for this bottle, but not for this scheme' },
  'request-undeclared': {
    status: 403,
    words: 'is declared for this bottle, but no entry of its matches allows this request',
  },
  'request-denied': {
    status: 403,
    words: 'is declared for this bottle, but a deny entry refuses this request',
  },
  'no-policy': { status: 403, words: 'cannot be reached: this bottle has no policy yet' },
  'websocket-undeclared': { status: 403, words: 'is declared for this bottle, but not for WebSocket' },
  'git-push': {
    status: 403,
    words: 'does not take pushes by HTTPS from this bottle; pushes go through the git door',
  },
  'forge-commit': {
    status: 403,
    words:
      'does not take commits, refs, keys or settings by its API from this bottle: a repository of it is behind the git door; push there',
  },
  'git-fetch': { status: 403, words: 'does not serve git by HTTPS to this bottle' },
  'host-not-inspected': { status: 403, words: 'is passed through uninspected and takes TLS only' },
  // what no manifest can allow
  'local-name': {
    status: 403,
    words: 'is a local or metadata name; those are never reachable from a bottle',
  },
  'ip-literal': { status: 403, words: 'is an address; bottles reach declared names only' },
  'upgrade-refused': {
    status: 403,
    words: 'was asked for a protocol upgrade, which is not open for this bottle',
  },
  'websocket-handshake': {
    status: 400,
    words: 'was asked for a WebSocket by a handshake that is not well-formed',
  },
  'websocket-frame': { status: 400, words: 'was sent WebSocket frames that are not well-formed' },
  'method-refused': { status: 400, words: 'was asked with a method that is not passed on' },
  'method-override': {
    status: 400,
    words: 'was asked to override the method of a request whose method is restricted',
  },
  'path-ambiguous': { status: 400, words: 'was asked for a path that servers read in more than one way' },
  'authority-invalid': { status: 400, words: 'The request names its host in a form that is not accepted' },
  'authority-mismatch': { status: 421, words: 'The request names different hosts in different places' },
  'host-mismatch': {
    status: 400,
    words: 'The request names one host in its target and another in its Host field',
  },
  'request-malformed': { status: 400, words: 'The request is not well-formed HTTP/1.1' },
  'request-too-large': { status: 431, words: 'The head of the request is too large' },
  'request-timeout': { status: 408, words: 'The request did not arrive in time' },
  'expectation-unknown': { status: 417, words: 'The request expects something that is not offered' },
  // TLS towards the agent
  'hello-invalid': { status: 400, words: 'What followed CONNECT was not a TLS ClientHello' },
  'hello-without-name': { status: 400, words: 'The TLS ClientHello names no host' },
  'hello-encrypted-name': { status: 400, words: 'The TLS ClientHello hides the host it means' },
  'issuer-missing': { status: 403, words: 'cannot be reached: this bottle has no certificate issuer yet' },
  // credentials
  'credential-missing': {
    status: 403,
    words: 'needs a credential that is not loaded; nothing is sent without it',
  },
  'credential-invalid': { status: 403, words: 'needs a credential whose value cannot be sent in a header' },
  'credential-cleartext': {
    status: 403,
    words: 'needs a credential, and credentials are never sent without TLS',
  },
  'signing-unclear': {
    status: 400,
    words:
      'is sent signed requests, and `+`, `;` or a broken escape in this one is read in more than one way: write %20, %2B, %3B',
  },
  'signing-pieces': {
    status: 400,
    words: 'is sent signed requests, and the pieces of this body (aws-chunked) are signed with another key',
  },
  'signing-body': {
    status: 413,
    words: 'is sent requests signed with their body, which has to be of at most 4 MiB and a known length',
  },
  // what would leave
  'secret-found': { status: 403, words: 'was about to be sent something that must not leave' },
  'placeholder-misplaced': {
    status: 403,
    words: 'was about to be sent a placeholder outside the slot of a route that carries its value',
  },
  canary: {
    status: 403,
    words:
      'was about to be sent the canary of this bottle, a sign that somebody else tells the agent what to do',
  },
  uninspectable: { status: 403, words: 'was about to be sent content that cannot be looked into' },
  // what came back
  'inbound-found': { status: 502, words: 'answered with a text that tells the agent what to do' },
  // limits of the route
  'name-budget': {
    status: 403,
    words: 'is one new name too many under a wildcard of this bottle; names in use are not counted again',
  },
  'limit-rate': { status: 403, words: 'was asked more often than its route allows' },
  'limit-body': { status: 403, words: 'was sent a body larger than its route allows' },
  'limit-bytes-out': { status: 403, words: 'was sent more today than its route allows' },
  'limit-time': { status: 504, words: 'took longer than its route allows' },
  // the way out
  'upstream-unreachable': { status: 502, words: 'could not be reached' },
  'upstream-refused': { status: 502, words: 'was refused by the uplink' },
  'upstream-untrusted': { status: 502, words: 'did not prove its identity; nothing was sent' },
  'upstream-malformed': { status: 502, words: 'did not answer with well-formed HTTP/1.1' },
  'upstream-handshake': { status: 502, words: 'did not answer the WebSocket handshake as it was asked' },
  'upstream-frame': { status: 502, words: 'sent WebSocket frames that are not well-formed' },
  'upstream-without-h2': { status: 502, words: 'does not speak HTTP/2; its route has `protocols: [h2]`' },
  'upstream-closed': { status: 502, words: 'closed the connection without an answer' },
  'encoding-unreadable': {
    status: 502,
    words: 'answered in an encoding that cannot be searched',
  },
  'upstream-timeout': { status: 504, words: 'did not answer in time' },
  // the door itself
  overload: { status: 503, words: 'The egress door has no room for another connection' },
  'policy-narrowed': { status: 403, words: 'is no longer declared for this bottle' },
  internal: { status: 500, words: 'The egress door failed; nothing was sent on' },
} as const satisfies Record<string, { readonly status: number; readonly words: string }>

export type RuleId = keyof typeof RULES
