/**
 * The sign-in of the host, and what stands for it in a bottle: tokens that the program can read, with the real time of
 * their end (one that ends sooner makes it refresh, and then show its sign-in screen) and no other claim than account
 * and plan. Their signature is the placeholder: no server takes them.
 */
import type { Json } from '../../model/json.ts'
import type { HostLogin, LoginClaims } from '../../model/provider.ts'

export const login: HostLogin = {
  path: (env, home) => `${env['CODEX_HOME'] ?? `${home}/.codex`}/auth.json`,
  claims(text) {
    const token = tokensIn(text)?.['access_token']
    const payload = typeof token === 'string' ? payloadOf(token) : undefined
    const expires = payload?.['exp']
    if (typeof expires !== 'number') return undefined
    const told = objectOf(payload?.[CLAIMS])
    const account = tokensIn(text)?.['account_id'] ?? told['chatgpt_account_id']
    const plan = told['chatgpt_plan_type']
    return {
      expires,
      account: typeof account === 'string' ? account : '',
      plan: typeof plan === 'string' ? plan : 'unknown',
    }
  },
  token(text) {
    const token = tokensIn(text)?.['access_token']
    return typeof token === 'string' && token !== '' ? token : undefined
  },
  renew: 'codex login',
}

const CLAIMS = 'https://api.openai.com/auth'

/** What the guest holds. Without claims its tokens are over: nothing was read, and no apply gets this far. */
export function dummies(
  placeholder: string,
  { expires, account, plan }: LoginClaims = { expires: 0, account: '', plan: 'unknown' },
): { readonly accessToken: string; readonly file: Json } {
  const auth = { chatgpt_account_id: account, chatgpt_plan_type: plan }
  const accessToken = token({ exp: expires, [CLAIMS]: auth }, placeholder)
  const id = { exp: expires, email: 'agent@bottle.invalid', [CLAIMS]: auth }
  return {
    accessToken,
    file: {
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: {
        id_token: token(id, placeholder),
        access_token: accessToken,
        refresh_token: placeholder,
        account_id: account,
      },
      // Counted from here the program would refresh after days: never before the real one ends.
      last_refresh: new Date(expires * 1000).toISOString(),
    },
  }
}

function token(payload: Json, signature: string): string {
  const part = (value: Json | string): string =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(payload)}.${part(signature)}`
}

function payloadOf(jwt: string): Readonly<Record<string, unknown>> | undefined {
  return parsed(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
}

function tokensIn(text: string): Readonly<Record<string, unknown>> | undefined {
  const file = parsed(text)
  return file && objectOf(file['tokens'])
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
