/** The third act: Claude Code from npm works in a bottle, and what signs it in never comes in. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { anthropic, type Turn } from '../labs/model-api/anthropic.ts'
import { openApi } from '../labs/model-api/api.ts'
import { expect, narrate, openStage, show } from './stage.ts'

const TOKEN = 'demo-login-that-the-bottle-never-sees'

/** What the model of the demo says, turn by turn: the agent program and everything it does are real. */
const TURNS: readonly Turn[] = [
  {
    tool: {
      name: 'Bash',
      input: {
        command: 'uname -s && id -un && ip addr | grep -c "state UP"; true',
        description: 'Look around',
      },
    },
  },
  {
    tool: {
      name: 'Write',
      input: { file_path: '/workspace/hello.sh', content: 'echo "Hello from a bottle"\n' },
    },
  },
  {
    tool: {
      name: 'Bash',
      input: { command: 'sh hello.sh; curl -sS https://pastebin.example/', description: 'Try it' },
    },
  },
  { tokens: ['I wrote hello.sh ', 'and ran it. ', 'pastebin.example is refused here.'] },
]

export async function playAgent(): Promise<void> {
  narrate('The third act: Claude Code itself, from npm, in a bottle. Its first image takes a minute or two.')
  const stage = openStage('demo-agent', { CLAUDE_CODE_OAUTH_TOKEN: TOKEN })
  const { bottle, manifest } = stage
  const api = await openApi(anthropic(TURNS, () => Promise.resolve()))
  mkdirSync(join(stage.folder, 'certs'))
  writeFileSync(join(stage.folder, 'certs/api-ca.pem'), api.authority)
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('172.17.0.1', api.address))
  narrate(`Instead of a real account, a server of the demo at ${api.address} plays the model. The manifest:`)
  show(readFileSync(manifest, 'utf8'))
  try {
    const applied = await bottle('apply', '--yes', '--timeout', '900')
    expect('apply succeeds', applied.code === 0)
    const ran = await bottle('run', '--headless', '--prompt', 'Write a greeting and try it.', 'implementer')
    expect('the agent ends its task', ran.code === 0 && ran.out.includes('hello.sh'))
    const made = await bottle('exec', 'implementer', '--', 'sh', '/workspace/hello.sh')
    expect('the agent made the file', made.out.includes('Hello from a bottle'))
    const received = new Set(api.asked.map(({ headers }) => headers.authorization))
    narrate(`What the API received, ${api.asked.length} requests: authorization: ${[...received].join(', ')}`)
    expect('the API saw the login', received.size === 1 && received.has(`Bearer ${TOKEN}`))
    const environment = await bottle('exec', 'implementer', '--', 'sh', '-c', 'env | grep CLAUDE')
    expect('the bottle does not hold the login', !environment.out.includes(TOKEN))
    await bottle('logs', 'implementer', '--egress', '--tail', '4')
    narrate(
      'For your own account: take `uplink` and the route out of the manifest, export CLAUDE_CODE_OAUTH_TOKEN (made by `claude setup-token`), apply, and `bot-bottle run implementer`.',
    )
  } finally {
    await bottle('destroy', '--yes')
    await api.close()
    stage.dispose()
  }
}
