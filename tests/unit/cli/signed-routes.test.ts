/** A route whose credential is made of several secrets: each is named, handed over and compared. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProgram } from './program.ts'

const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    env: { AWS_ACCESS_KEY_ID: { env: AWS_ID, placeholder: true } }
    egress:
      routes:
        - host: bedrock-runtime.us-east-1.amazonaws.com
          matches: [{ methods: [POST], paths: [{ prefix: /model/ }] }]
          auth: { scheme: aws-sigv4, access_key_ref: AWS_ID, secret_key_ref: AWS_KEY, session_token_ref: AWS_TOKEN, region: us-east-1, service: bedrock }
agents:
  implementer: { bottle: dev }
`
const VALUES = {
  AWS_ID: 'AKIDCANARY0001',
  AWS_KEY: 'canary-secret-key-0123456789',
  AWS_TOKEN: 'canary-token-0123456789',
}
let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

const held = () => program.world.read().stacks['acme']?.bundles['implementer']?.config?.secrets

test('apply hands over all of them, and then nothing is left to do', async () => {
  const { code, stdout, stderr } = await program.run('apply', { env: VALUES })
  expect(code, stderr).toBe(0)
  expect(held()).toEqual({
    'env:AWS_ID': VALUES.AWS_ID,
    'env:AWS_KEY': VALUES.AWS_KEY,
    'env:AWS_TOKEN': VALUES.AWS_TOKEN,
  })
  for (const value of Object.values(VALUES)) expect(stdout + stderr).not.toContain(value)
  expect((await program.run('diff', { env: VALUES })).code).toBe(0)
})

test.each(Object.keys(VALUES))('another value of %s is a change of the route', async (name) => {
  await program.run('apply', { env: VALUES })
  const env = { ...VALUES, [name]: 'another-value-9876543210' }
  const { code, stdout } = await program.run('diff', { env })
  expect(code).toBe(1)
  expect(stdout).toMatch(/route\/implementer\/bedrock-runtime.*\n? *.*credential/)
  expect((await program.run('apply', { env })).code).toBe(0)
  expect(held()).toMatchObject({ [`env:${name}`]: 'another-value-9876543210' })
})

test('apply names every one that is not set, and does nothing', async () => {
  const { code, stderr } = await program.run('apply', { env: { AWS_KEY: VALUES.AWS_KEY } })
  expect(code).toBe(2)
  expect(stderr).toMatch(/AWS_ID is not set; .*AWS_TOKEN is not set/)
  expect(held()).toBeUndefined()
})

const explained = (url: string) =>
  program.run(['explain', '--url', url, '--method', 'POST', '--bottle', 'implementer'], { env: VALUES })
const BASE = 'https://bedrock-runtime.us-east-1.amazonaws.com/model/a.b-v1%3A0/invoke'

test('explain names the references a request would be signed with', async () => {
  const { code, stdout } = await explained(BASE)
  expect(stdout).toContain('credential  env:AWS_ID, env:AWS_KEY, env:AWS_TOKEN (aws-sigv4)\n')
  expect(code).toBe(0)
})

test('explain says which request could not be signed', async () => {
  const { code, stdout } = await explained(`${BASE}?a=b+c`)
  expect(stdout).toContain('rule        signing-unclear\n')
  expect(code).toBe(1)
})
