/**
 * The parse point for a provider of a plug-in: what its module exports is one or is left out with everything that is
 * wrong, and what its functions answer later is looked at each time.
 */
import { isAbsolute } from 'node:path'
import { BottleError, EXIT } from '../model/errors.ts'
import type { Json } from '../model/json.ts'
import type {
  Contribution,
  HostLogin,
  LoginClaims,
  Provider,
  ProviderRequest,
  SettingRule,
  StartRequest,
} from '../model/provider.ts'
import { CREDENTIAL_KEYS } from '../model/providers.ts'
import { quoted } from '../manifest/report.ts'
import { readContribution, readRegistration } from './contribution.ts'
import { leftOut } from './left-out.ts'
import type { BrokenPlugin, Plugin } from './plugin.ts'

export function readProvider(plugin: Plugin, exported: unknown): Provider | BrokenPlugin {
  if (isProvider(exported, plugin.name)) return guarded(exported, plugin)
  const wrong = problemsOf(exported, plugin.name).join('; ')
  return leftOut(plugin, 'plugin-export', `its default export is no provider: ${wrong}`)
}

const isProvider = (value: unknown, name: string): value is Provider => problemsOf(value, name).length === 0

function problemsOf(value: unknown, name: string): readonly string[] {
  if (!isRecord(value)) return ['it is no object']
  const { version, takes, settings, hidden, login, registration } = value
  const functions = ['contribution', 'start', 'headless', 'resume']
  return [
    ...(value['name'] === name ? [] : [`its \`name\` is not ${quoted(name)}`]),
    ...(isLine(version) ? [] : ['`version` is the version of the program']),
    ...(isList(takes, (key) => CREDENTIAL_KEYS.some((known) => known === key))
      ? []
      : [`\`takes\` is a list of ${CREDENTIAL_KEYS.join(', ')}`]),
    ...(isRecord(settings) && Object.values(settings).every(isRule) ? [] : ['`settings` are rules by name']),
    ...(isList(hidden, isLine) ? [] : ['`hidden` is a list of names of variables']),
    ...((login === undefined) !== (Array.isArray(takes) && takes.includes('forward_host_credentials')) &&
    (login === undefined || isLogin(login))
      ? []
      : ['`login` goes with `forward_host_credentials`, and has path, claims, token and renew']),
    ...(registration === undefined || typeof registration === 'function'
      ? []
      : ['`registration` is no function']),
    ...functions
      .filter((name) => typeof value[name] !== 'function')
      .map((missing) => `\`${missing}\` is no function`),
  ]
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isLine = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}]{1,200}$/u.test(value)

const isList = (value: unknown, each: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(each)

function isRule(value: unknown): value is SettingRule {
  if (!isRecord(value)) return false
  const { type, values, required } = value
  return (
    (type === 'text' || type === 'url' || (type === 'one-of' && isList(values, isLine))) &&
    (required === undefined || typeof required === 'boolean')
  )
}

function isLogin(value: unknown): value is HostLogin {
  return (
    isRecord(value) &&
    isLine(value['renew']) &&
    ['path', 'claims', 'token'].every((name) => typeof value[name] === 'function')
  )
}

const isPath = (value: unknown): value is string => typeof value === 'string' && isAbsolute(value)

const isToken = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string'

function isClaims(value: unknown): value is LoginClaims | undefined {
  if (value === undefined) return true
  return (
    isRecord(value) &&
    typeof value['expires'] === 'number' &&
    isLine(value['account']) &&
    isLine(value['plan'])
  )
}

/** The same provider; an answer that cannot be used ends what asked for it, in words that name the plug-in. */
function guarded(provider: Provider, plugin: Plugin): Provider {
  const argv = (name: string, answer: unknown): readonly string[] => {
    if (Array.isArray(answer) && answer.length > 0 && answer.every((word) => typeof word === 'string'))
      return answer
    throw failed(plugin, `\`${name}\` answers no list of words`)
  }
  const asked = <T>(name: string, ask: () => T): T => {
    try {
      return ask()
    } catch (cause) {
      throw failed(
        plugin,
        `\`${name}\` throws: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause,
      )
    }
  }
  const answered = <T>(name: string, isRight: (answer: unknown) => answer is T, ask: () => unknown): T => {
    const answer = asked(name, ask)
    if (isRight(answer)) return answer
    throw failed(plugin, `\`${name}\` answers what nobody can use`)
  }
  const guardedLogin = (login: HostLogin): HostLogin => ({
    renew: login.renew,
    path: (env, home) => answered('login.path', isPath, () => login.path(env, home)),
    claims: (text) => answered('login.claims', isClaims, () => login.claims(text)),
    token: (text) => answered('login.token', isToken, () => login.token(text)),
  })
  const { name, version, takes, settings, hidden, login } = provider
  const contribution = (request: ProviderRequest): Contribution => {
    const read = readContribution(asked('contribution', () => plainOf(provider.contribution(request))))
    if ('contribution' in read) return read.contribution
    throw failed(plugin, `\`contribution\` answers what is none: ${read.problems.join('; ')}`)
  }
  return {
    name,
    version,
    takes,
    settings,
    hidden,
    ...(login && { login: guardedLogin(login) }),
    contribution,
    ...(provider.registration && {
      registration(servers, request) {
        const answer = asked('registration', () => plainOf(provider.registration?.(servers, request)))
        const read = readRegistration(answer, contribution(request))
        if ('registration' in read) return read.registration
        throw failed(plugin, `\`registration\` answers what is none: ${read.problems.join('; ')}`)
      },
    }),
    start: (request: StartRequest) =>
      argv(
        'start',
        asked('start', () => provider.start(request)),
      ),
    headless: (prompt, request) =>
      argv(
        'headless',
        asked('headless', () => provider.headless(prompt, request)),
      ),
    resume: (request) =>
      argv(
        'resume',
        asked('resume', () => provider.resume(request)),
      ),
  }
}

const plainOf = (answer: unknown): Json => JSON.parse(JSON.stringify(answer ?? null)) as Json

function failed({ name, folder }: Plugin, what: string, cause?: unknown): BottleError {
  return new BottleError(EXIT.invalid, `the plug-in ${quoted(name)}: ${what}`, {
    code: 'plugin-failed',
    hint: `bot-bottle plugins check ${name}; it lies in ${folder}`,
    ...(cause !== undefined && { cause }),
  })
}
