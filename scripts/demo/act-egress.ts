/** The first act: an injected credential, refusals, a live edit, drift and its repair. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BOT_BOTTLE, expect, narrate, openStage, show } from './stage.ts'
import { startUpstream } from './upstream.ts'

const TOKEN = 'demo-token-that-the-bottle-never-sees'

export async function playEgress(): Promise<void> {
  const stage = openStage('demo', { DEMO_API_TOKEN: TOKEN })
  const { bottle, folder, manifest, env } = stage
  mkdirSync(join(folder, 'certs'), { recursive: true })
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
      BOT_BOTTLE,
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
    stage.dispose()
  }
}
