/** The sign-in of the host for codex in a bottle: the program works with dummies, the API sees the real token. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Program } from '../cli/program.ts'
import { leaks } from '../containment/secrets.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { openai } from '../../../scripts/labs/model-api/openai.ts'
import { applied, removed } from './applied.ts'
import { sweep } from './sweep.ts'

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Each part of what the host holds, so that none of them can come in by itself. */
const REAL = {
  signature: randomBytes(48).toString('base64url'),
  refresh: `rt_${randomBytes(30).toString('hex')}`,
  person: `person-${randomBytes(12).toString('hex')}`,
}
const ACCOUNT = 'acct-of-the-test'
const expires = Math.floor(Date.now() / 1000) + 5 * 86_400
const CLAIMS = 'https://api.openai.com/auth'
const payload = {
  exp: expires,
  sub: REAL.person,
  [CLAIMS]: { chatgpt_account_id: ACCOUNT, chatgpt_plan_type: 'pro' },
}
const TOKEN = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(payload)}.${REAL.signature}`

let api: Api
let program: Program

const signIn = (exp: number): void => {
  const access = exp === expires ? TOKEN : `x.${part({ ...payload, exp })}.y`
  const tokens = { access_token: access, id_token: access, refresh_token: REAL.refresh, account_id: ACCOUNT }
  const path = join(program.folder, '.codex', 'auth.json')
  writeFileSync(path, JSON.stringify({ auth_mode: 'chatgpt', tokens }), { mode: 0o600 })
}

beforeAll(async () => {
  api = await openApi(
    openai(
      [
        { call: { name: 'exec_command', input: { cmd: 'echo "signed in: $((1 + 1))" > note.txt' } } },
        { tokens: ['It ', 'works.'] },
      ],
      () => Promise.resolve(),
    ),
  )
  program = openProgram('forward')
  mkdirSync(join(program.folder, '.codex'), { mode: 0o700 })
  signIn(expires)
  await applied(
    program,
    api,
    ['chatgpt.com'],
    `bottles:
  one:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: { template: codex, forward_host_credentials: true }
    egress:
      log: all
      routes: [{ host: chatgpt.com, allow_private: true }]
`,
  )
}, 600_000)
afterAll(() => removed(program, api))

it('does its task, signed in as the host is', async () => {
  const { code, out } = await program.run('run --headless --prompt Work. one')
  expect([code, out.trim()]).toEqual([0, 'It works.'])
  expect((await program.must('exec one cat note.txt')).out).toBe('signed in: 2\n')
})

it('asked the API with the real token, and nobody else', async () => {
  expect(api.asked.length).toBeGreaterThan(1)
  for (const { headers, path } of api.asked) {
    expect([path, headers.authorization]).toEqual([path, `Bearer ${TOKEN}`])
    expect(headers['chatgpt-account-id']).toBe(ACCOUNT)
  }
  expect((await program.must('logs --egress one')).out).not.toMatch(/auth\.openai\.com|oauth/)
})

it('[CRD-19] holds dummies that end when the real ones do', async () => {
  const { out } = await program.must('exec one cat /home/agent/.codex/auth.json')
  const { tokens } = JSON.parse(out) as { readonly tokens: Readonly<Record<string, string>> }
  for (const name of ['access_token', 'id_token']) {
    const claims = JSON.parse(
      Buffer.from(tokens[name]?.split('.')[1] ?? '', 'base64url').toString(),
    ) as object
    expect(claims).toMatchObject({ exp: expires })
  }
  expect(leaks(out, REAL)).toEqual([])
})

it('[CRD-19] never has anything of what the host holds in the bottle', async () => {
  expect(await sweep(program, 'one', REAL, 'auth_mode')).toEqual([])
})

it('is refused with the way out once the sign-in of the host has ended', async () => {
  signIn(1000)
  const { code, err } = await program.run('apply --yes')
  expect([code, err]).toEqual([2, expect.stringContaining('has expired (1970-01-01T00:16:40.000Z)')])
  expect(err).toContain('codex login')
})
