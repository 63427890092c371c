/** What keeps credentials away from agents' programs, and how each is taken away. */
import type { Mutant } from '../../unit/containment/mutants/mutant.ts'

const CLAUDE = 'engine/agents/claude.test.ts'
const CODEX = 'engine/agents/codex.test.ts'
const FORWARD = 'engine/agents/codex-forward.test.ts'
const SWEPT = /\(CRD-01\) is nowhere in the bottle while its agent works/
/** Not that the agent could not do its work: egress refuses a real credential that the agent itself sends. */
const FOUND = /to deeply equal/

/** One copy with what is edited on the host, one with what is edited in the bundle: an image is dear. */
export const AGENT_MUTANTS: readonly Mutant[] = [
  {
    control: 'placeholder-in-the-environment',
    copy: 'agents-host',
    ids: ['CRD-01'],
    suite: CLAUDE,
    turns: SWEPT,
    says: FOUND,
    stays: /is shown by name alone/,
    edits: [
      {
        file: 'src/cli/secrets/materials.ts',
        from: '...(stack.loaded?.environment(bottle) ?? []),',
        to: `...[...(stack.loaded?.environment(bottle) ?? [])].map(([name, value]) => [
          name,
          name === 'CLAUDE_CODE_OAUTH_TOKEN' ? (invocation.io.env['CLAUDE_TOKEN'] ?? '') : value,
        ] as const),`,
      },
    ],
  },
  {
    control: 'dummies-for-the-sign-in',
    copy: 'agents-host',
    ids: ['CRD-19'],
    suite: FORWARD,
    says: FOUND,
    stays: /is refused with the way out once the sign-in/,
    edits: [
      {
        file: 'src/providers/codex/login.ts',
        from: "const expires = payload?.['exp']",
        to: `Object.assign(globalThis, { hostToken: token })
    const expires = payload?.['exp']`,
      },
      {
        file: 'src/providers/codex/login.ts',
        from: 'access_token: accessToken,',
        to: "access_token: String(Reflect.get(globalThis, 'hostToken')),",
      },
    ],
  },
  {
    control: 'credential-of-the-agents-api',
    copy: 'agents-bundle',
    ids: ['CRD-02'],
    suite: CLAUDE,
    turns: /\(CRD-02\) is on what its API gets/,
    says: FOUND,
    stays: /reads why a host is refused, and asks once/,
    edits: [
      {
        file: 'sidecars/egress/exchange/deciding.ts',
        from: 'running.credential(verdict.route)',
        to: 'running.credential(policy.routes.find(({ auth }) => auth !== undefined) ?? verdict.route)',
      },
    ],
  },
  {
    control: 'credential-masked-for-the-agent',
    copy: 'agents-bundle',
    ids: ['CRD-07'],
    suite: CLAUDE,
    turns: /\(CRD-07\) is masked where its API says it/,
    says: FOUND,
    stays: /reads why a host is refused, and asks once/,
    edits: [
      {
        file: 'sidecars/egress/exchange/exchange.ts',
        from: "controls.on('response-scrub')",
        to: 'controls === undefined',
      },
    ],
  },
]

/** The same for files in place of the environment: run in whole batteries alone. */
export const FURTHER_AGENT_MUTANTS: readonly Mutant[] = [
  {
    control: 'placeholder-in-the-files',
    ids: ['CRD-01'],
    suite: CODEX,
    turns: SWEPT,
    says: FOUND,
    stays: /is shown by name alone/,
    edits: [
      {
        file: 'src/cli/secrets/materials.ts',
        from: 'guestFiles: (bottle) => stack.loaded?.provided(bottle)?.contribution.files ?? [],',
        to: `guestFiles: (bottle) =>
      (stack.loaded?.provided(bottle)?.contribution.files ?? []).map((file) => ({
        ...file,
        content: file.content.replace(/bot_bottle_placeholder_\\w+/, invocation.io.env['OPENAI_KEY'] ?? ''),
      })),`,
      },
    ],
  },
]
