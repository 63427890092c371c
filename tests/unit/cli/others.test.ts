/** The bottles of a stack recognise each other's secrets, and none of them is told one. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openProgram } from './program.ts'

const ONE = 'token-one-Qx7Zk9mN2vB5cR8tL1w'
const TWO = 'token-two-51Zk0aQ77Hd82mZx4193kQ'
const ROTATED = 'token-one-93kQz7Hd82mZx41Qx7Zk9m'
const route = (host: string, ref: string) =>
  `{ host: ${host}, matches: [{ methods: [GET], paths: [{ prefix: / }] }], auth: { scheme: bearer, token_ref: ${ref} } }`
const manifest = (one: string, two = route('two.example', 'TWO'), env = '') => `version: 1
stack: acme
bottles:
  one: { egress: { routes: [${one}] }${env} }
  two: { egress: { routes: [${two}] } }
`
const env = { ONE, TWO }

let program: ReturnType<typeof openProgram>
beforeEach(() => void (program = openProgram()))
afterEach(() => program.close())

const apply = async (text: string, values: Record<string, string> = env) => {
  program.write('bottles.yaml', text)
  const ran = await program.run('apply -y', { env: values })
  expect([ran.code, ran.stderr]).toEqual([0, expect.any(String)])
  return ran
}
const configOf = (bottle: string) => program.world.read().stacks['acme']!.bundles[bottle]!.config!
const planned = async (values: Record<string, string> = env) => {
  const { actions } = JSON.parse((await program.run('diff --output json', { env: values })).stdout) as {
    actions: { address: string; impact: string }[]
  }
  return actions.map(({ address, impact }) => `${address} ${impact}`)
}

it('a bottle holds its own values and prints of the others', async () => {
  await apply(manifest(route('one.example', 'ONE')))
  const [one, two] = [configOf('one'), configOf('two')]
  expect([one.secrets, two.secrets]).toEqual([{ 'env:ONE': ONE }, { 'env:TWO': TWO }])
  expect([Object.keys(one.others!.values), Object.keys(two.others!.values)]).toEqual([
    ['env:TWO'],
    ['env:ONE'],
  ])
  expect(two.others!.values['env:ONE']!.length).toBeGreaterThan(3)
  expect(JSON.stringify(two)).not.toContain(ONE)
  expect(JSON.stringify(one)).not.toContain(TWO)
  expect(await planned()).toEqual([])
})

it('a secret that one of them gets is told to the others, and no agent notices', async () => {
  await apply(manifest(''))
  program.write('bottles.yaml', manifest(route('one.example', 'ONE')))
  expect((await planned()).sort()).toEqual(['bundle/two live', 'route/one/one.example live'])
  await apply(manifest(route('one.example', 'ONE')))
  expect(Object.keys(configOf('two').others!.values)).toEqual(['env:ONE'])
  expect(await planned()).toEqual([])
})

it('a rotated secret is told anew', async () => {
  const text = manifest(route('one.example', 'ONE'))
  await apply(text)
  const before = configOf('two').others!.values['env:ONE']
  const rotated = { ONE: ROTATED, TWO }
  expect((await planned(rotated)).sort()).toEqual(['bundle/two live', 'route/one/one.example live'])
  await apply(text, rotated)
  expect(configOf('two').others!.values['env:ONE']).not.toEqual(before)
  expect(await planned(rotated)).toEqual([])
})

it('what cannot be had without running or asking is kept as it was told', async () => {
  const command = route('one.example', `{ command: [printf, ${ONE}] }`)
  await apply(manifest(command))
  const [[id = '', prints] = []] = Object.entries(configOf('two').others!.values)
  expect(prints!.length).toBeGreaterThan(3)
  await apply(manifest(command, route('else.example', 'TWO')))
  expect(configOf('two').others!.values).toEqual({ [id]: prints })
})

it('a secret that both use is its own to each', async () => {
  await apply(manifest(route('one.example', 'ONE'), route('two.example', 'ONE')))
  expect(configOf('one').others!.values).toEqual({})
  expect(configOf('two').others!.values).toEqual({})
})

it('the placeholders of one are known to the others', async () => {
  const placeholder = ', env: { TOKEN: { env: ONE, placeholder: true } }'
  await apply(manifest(route('one.example', 'ONE'), undefined, placeholder))
  const text = configOf('one').placeholders!['env:ONE']
  expect(configOf('two').others!.placeholders).toEqual({ 'one env:ONE': text })
})
