/** `help security`: what is promised, what is not. */
export const LINES: readonly string[] = `\
What a bottle can and cannot do

  The agent has no credential. Routes carry them: the value is put on the request by the
  egress sidecar after it left the bottle, and lives only in that process's memory.
  The agent has no network. Its namespace holds loopback alone; behind three ports there
  stand sidecars (egress 909, git 941, supervise 910), and these have no network either.
  What is not declared does not leave. Two processes must agree on every connection:
  egress on host, method, path and header; the uplink on host, port and address.
  Private, link-local and metadata addresses are refused unless a route says
  allow_private: true (link-local and metadata always).

  A route is a permission: whatever the agent can read it can send to a declared host.
  Declare narrow matches; *. covers one level and is flagged in the plan.
  The container driver shares the host's kernel; micro-VMs (driver: smolvm) do not.
  The output of run, exec and attach is raw: the agent's bytes reach your terminal.

  $ bot-bottle logs --egress --follow     what was allowed and refused
  $ bot-bottle doctor                     what of this machine is right or wrong
  $ bot-bottle diff --drift               what changed that nobody declared`.split('\n')
