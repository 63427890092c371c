/**
 * `npm run demo`: the main job on a real engine. Everything indented below a `$` line is the real output of the
 * program; lines that begin with `#` are the narrator's. Leaves the engine as it was.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startUpstream } from './demo-upstream.ts'

const root = join(import.meta.dirname, '..')
const TOKEN = 'demo-token-that-the-bottle-never-sees'
const started = Date.now()

function narrate(text: string): void {
  process.stdout.write(`\n# ${text}\n`)
}

function show(text: string): void {
  for (const line of text.trimEnd().split('\n')) process.stdout.write(`    ${line}\n`)
}

if (spawnSync('node', ['scripts/engine.ts', 'ensure'], { cwd: root, stdio: 'inherit' }).status !== 0)
  process.exit(8)

const folder = mkdtempSync(join(tmpdir(), 'bot-bottle-demo-'))
cpSync(join(root, 'fixtures/demo'), folder, { recursive: true })
mkdirSync(join(folder, 'certs'), { recursive: true })
const manifest = join(folder, 'bottles.yaml')
const home = join(folder, 'home')
mkdirSync(home, { mode: 0o700 })
const env = { ...process.env, BOT_BOTTLE_HOME: home, DEMO_API_TOKEN: TOKEN, NO_COLOR: '1' }

/** Runs the program as a user would and shows what it printed; answers its exit code. */
function bottle(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
  process.stdout.write(
    `\n  $ bot-bottle ${args.map((arg) => (/[^\w@%+=:,./-]/.test(arg) ? `'${arg}'` : arg)).join(' ')}\n`,
  )
  return new Promise((resolve) => {
    const child = spawn(join(root, 'bin/bot-bottle'), args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    const take = (chunk: Buffer) => {
      out += chunk
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('close', (code) => {
      show(out || '(no output)')
      process.stdout.write(`    [exit ${code}]\n`)
      resolve({ code: code ?? 70, out })
    })
  })
}

function engineObjects(): string {
  // By name: others may use the engine at the same time.
  const list = (...args: string[]) =>
    spawnSync('docker', [...args, '--filter', 'name=bb_demo_'], { encoding: 'utf8' }).stdout
  return [
    list('ps', '-a', '--format', '{{.Names}}'),
    list('volume', 'ls', '-q'),
    list('network', 'ls', '--format', '{{.Name}}'),
  ]
    .map((each) => each.split('\n').sort().join(' '))
    .join('|')
}

function expect(what: string, holds: boolean): void {
  if (holds) return
  process.stderr.write(`\ndemo: expected that ${what}\n`)
  process.exitCode = 1
}

const before = engineObjects()
const upstream = await startUpstream(manifest, join(folder, 'certs/demo-ca.pem'))
narrate(`An HTTPS upstream listens on ${upstream.address}:8443. The manifest a user would write:`)
show(readFileSync(manifest, 'utf8'))

try {
  narrate(
    'What would happen? (Planning cannot write. The first run builds the images of the sidecars: one to two minutes.)',
  )
  await bottle('diff')
  const applied = await bottle('apply', '--yes', '--timeout', '600')
  expect('apply succeeds', applied.code === 0)

  narrate(
    'A program in the bottle fetches from the upstream. It holds no credential; egress puts the real one on the request.',
  )
  await bottle('exec', 'worker', '--', 'curl', '-sS', 'https://api.demo.example:8443/v1/hello')
  narrate(`What the upstream received: authorization: ${upstream.lastAuthorization() ?? '(nothing)'}`)
  expect('the upstream saw the credential', upstream.lastAuthorization() === `Bearer ${TOKEN}`)
  const environment = await bottle('exec', 'worker', '--', 'env')
  expect('the bottle does not hold the credential', !environment.out.includes(TOKEN))

  narrate('An undeclared host is refused in words, and so is an undeclared path.')
  await bottle('exec', 'worker', '--', 'curl', '-sS', 'https://pastebin.example/api')
  await bottle('exec', 'worker', '--', 'curl', '-sS', 'https://api.demo.example:8443/admin')
  narrate(
    'There is no way beside the door: no interface but loopback, no route, no name server that asks anyone.',
  )
  await bottle(
    'exec',
    'worker',
    '--',
    'curl',
    '-sS',
    '--noproxy',
    '*',
    '--max-time',
    '3',
    `http://${upstream.address}:8443/`,
  )

  narrate(
    'A program keeps running in the bottle and asks docs.demo.example, which is not declared yet, once a second.',
  )
  const loop = spawn(
    join(root, 'bin/bot-bottle'),
    [
      'exec',
      'worker',
      '--',
      'sh',
      '-c',
      'while :; do curl -s -o /dev/null -w "%{http_code} " https://docs.demo.example:8443/guide; sleep 1; done',
    ],
    { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  let answers = ''
  const opened = new Promise<void>((resolve) => {
    loop.stdout.on('data', (chunk: Buffer) => {
      answers += chunk
      if (/\b200\b/.test(answers)) resolve()
    })
  })
  const route = [
    '        - host: docs.demo.example',
    '          port: 8443',
    '          allow_private: true',
    '',
  ]
  const edited = readFileSync(manifest, 'utf8').replace('\n  reviewer:', `${route.join('\n')}\n  reviewer:`)
  writeFileSync(manifest, edited)
  await bottle('diff')
  await bottle('apply')
  await opened
  narrate(`The program was not disturbed. What it got, second by second: ${answers.trim()}`)
  loop.kill('SIGTERM')

  narrate('Somebody deletes a bundle by hand.')
  process.stdout.write('\n  $ docker rm -f bb_demo_reviewer_bundle\n')
  show(spawnSync('docker', ['rm', '-f', 'bb_demo_reviewer_bundle'], { encoding: 'utf8' }).stdout)
  await bottle('diff')
  await bottle('apply', '--yes')
  await bottle('diff')
  await bottle('status')
  await bottle('logs', 'worker', '--egress', '--tail', '5')
} finally {
  await bottle('destroy', '--yes')
  upstream.close()
  rmSync(folder, { recursive: true, force: true })
}
expect('the engine is as before', engineObjects() === before)
narrate(
  process.exitCode
    ? 'The demo did not do what it says: see above.'
    : `The engine is as before: same containers, volumes, networks. ${Math.round((Date.now() - started) / 1000)} s in all.`,
)
