/**
 * What effects need beside the plan: secrets, roots, environments. Every reference of every bottle that the plan
 * touches is resolved here, before the first action; one that is not to be had stops everything (exit 2).
 */
import { UsageError } from '../../model/errors.ts'
import { canonical } from '../../model/json.ts'
import type { Plan } from '../../model/plan.ts'
import { secretsOf } from '../../model/policy.ts'
import type { Resource } from '../../model/resource.ts'
import type { SecretRef } from '../../model/secret.ts'
import type { Materials } from '../../ports/materials.ts'
import { bottlesConfigured } from '../../execute/configured.ts'
import { resolveAll, resolveQuietly, secretResolver } from '../../execute/secrets.ts'
import { changesGitAlone } from '../../resources/guest/git.ts'
import type { KeySpec } from '../../resources/key/spec.ts'
import type { RouteSpec } from '../../resources/route/spec.ts'
import type { Desired } from '../../resources/desired.ts'
import type { Roots } from '../../state/roots.ts'
import { askSecret, canAsk } from '../terminal/ask.ts'
import { knownToGate, tokenRefs } from './gate-known.ts'
import { openIdentities, openIdentity, ownIdentities } from './identities.ts'
import { hostLogin } from './host-login.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { othersOf } from './others.ts'
import { agentProgram } from '../program/program.ts'
import { provisionsFor } from '../workspace/provisions.ts'
import type { Stack } from '../stack/stack.ts'

export interface OpenMaterials extends Materials {
  /** PEM of further upstream authorities. */
  readonly trust: readonly string[]
}

export async function openMaterials(
  stack: Stack,
  plan: Plan,
  desired: Desired,
  roots: Roots,
  invocation: Invocation,
  signal: AbortSignal,
): Promise<OpenMaterials> {
  const touched = new Set([
    ...bottlesConfigured(plan),
    ...plan.actions.flatMap((action) =>
      action.verb === 'remove' || action.verb === 'blocked' || changesGitAlone(action)
        ? []
        : (action.bottle ?? []),
    ),
  ])
  const resolver = secretResolver({
    env: invocation.io.env,
    // A command has a process group of its own: Ctrl-C reaches it through this alone.
    signal,
    login: hostLogin(stack.home),
    ...(canAsk(invocation) && { ask: (question: string) => asked(question, invocation) }),
  })
  const references = { ...referencesOf(plan.desired, touched, desired), ...tokensOf(plan) }
  const credentials = await resolveAll(references, resolver)
  // Of bottles that the plan leaves alone: nothing is run or asked to tell the others of them.
  const quiet = { ...desired.secrets, ...tokenRefs(desired.resources) }
  const { found } = await resolveQuietly(quiet, invocation.io.env)
  const marksOf = (bottle: string) => stack.loaded?.marks(bottle)
  const others = { desired, home: stack.home, found: new Map([...found, ...credentials]), marksOf }
  const questions = questionsOf(plan, (bottle) => stack.loaded?.asked(bottle) ?? [])
  const answers = await resolveAll(questions, { credential: (ref) => resolver.variable(ref) })
  const opening = {
    resolver,
    ...(canAsk(invocation) && { ask: (question: string) => askSecret(invocation, question) }),
  }
  const identities = await openIdentities(ownIdentities(plan.desired, touched), opening)
  return {
    trust: stack.loaded?.trust ?? [],
    environment: (bottle) =>
      new Map([
        ...(stack.loaded?.environment(bottle) ?? []),
        ...(stack.loaded?.asked(bottle) ?? []).flatMap((name) => {
          const answer = answers.get(questionId(bottle, name))
          return answer ? [[name, answer.reveal()] as const] : []
        }),
      ]),
    marks: (bottle) => ({ ...marksOf(bottle), others: othersOf(bottle, others) }),
    known: (bottle) => knownToGate(bottle, others),
    provisions: (bottle) => provisionsFor(stack, bottle, invocation.io),
    program: (bottle) => agentProgram(stack, bottle),
    imageRecipe: (image) => stack.loaded?.images.get(image),
    guestFiles: (bottle) => stack.loaded?.provided(bottle)?.contribution.files ?? [],
    verify: (bottle) => stack.loaded?.provided(bottle)?.contribution.program.verify ?? [],
    // Resolved once per run: what was had above is what is used now.
    secret: (ref) => resolver.credential(ref),
    identity: async (ref) => identities.get(canonical(ref)) ?? openIdentity({ ref, remotes: [] }, opening),
    nextRootCertificate: async (bottle) => roots.nextOf(bottle)?.certificate,
    async rootCertificate(bottle) {
      const root = roots.rootOf(bottle)
      if (root) return root.certificate
      throw new UsageError(`bottle ${bottle} has no root certificate in the state folder`, {
        code: 'root-missing',
        hint: `bot-bottle apply ${bottle}`,
      })
    },
  }
}

const questionId = (bottle: string, name: string): string => `env.${name} of bottle ${bottle}`

/** Variables under `?` of every agent that this plan gives its environment. */
function questionsOf(
  { actions }: Plan,
  asked: (bottle: string) => readonly string[],
): Record<string, SecretRef> {
  const given = actions.flatMap((action) => {
    const { kind, verb, impact, bottle } = action
    const isGiven = kind === 'guest' && verb !== 'remove' && verb !== 'blocked' && impact !== 'record'
    return isGiven && !changesGitAlone(action) ? (bottle ?? []) : []
  })
  const questions = given.flatMap((bottle) => asked(bottle).map((name) => questionId(bottle, name)))
  return Object.fromEntries(questions.map((words) => [words, { from: 'ask', for: words } as const]))
}

function referencesOf(
  resources: readonly Resource[],
  touched: ReadonlySet<string>,
  { secrets }: Desired,
): Record<string, SecretRef> {
  const needed: Record<string, SecretRef> = {}
  for (const resource of resources) {
    if (!isRoute(resource) || !touched.has(resource.bottle ?? '')) continue
    const { auth, secretRefs } = resource.spec
    for (const id of secretsOf(auth)) {
      const ref = secretRefs?.[id] ?? secrets[id]
      if (ref) needed[id] = ref
    }
  }
  return needed
}

/** Of every key that is made; one that is only revoked asks for its token then, so that nothing else waits for it. */
function tokensOf({ actions }: Plan): Record<string, SecretRef> {
  const made = actions.filter(({ kind, verb }) => kind === 'key' && verb !== 'remove' && verb !== 'blocked')
  return Object.fromEntries(
    made.flatMap(({ desired }) => {
      const { token, tokenRef } = (desired?.spec ?? {}) as Partial<KeySpec>
      return token !== undefined && tokenRef ? [[token, tokenRef]] : []
    }),
  )
}

async function asked(question: string, invocation: Invocation): Promise<string> {
  const secret = await askSecret(invocation, question)
  if (secret) return secret.reveal()
  throw new UsageError('the question for a secret was not answered', {
    code: 'secret-not-given',
    hint: 'nothing was done; run the command again',
  })
}

function isRoute(resource: Resource): resource is Resource<RouteSpec> {
  return resource.kind === 'route'
}
