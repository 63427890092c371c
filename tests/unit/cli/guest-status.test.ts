import { describe, expect, it } from 'vitest'
import { guestStatus } from '../../../src/cli/stack/guest-status.ts'
import { guestLines } from '../../../src/render/guest.ts'
import { loadText } from '../manifest/loading.ts'

const TEXT = `version: 1
stack: acme
bottles:
  dev: { git: { user: { name: Dev, email: dev@acme.example } } }
agents:
  one: { bottle: dev, git: { user: { name: Implementer } } }
`
const guest = (user: Readonly<Record<string, string>>) => ({
  fields: {
    git: { user, remotes: {} },
    env: {
      ROLE: { from: 'literal', digest: '1' },
      AGENT_TOKEN: { from: 'program', digest: '2' },
      API: { from: 'placeholder', digest: '3' },
    },
    skills: { review: { path: '/home/agent/x', digest: '4' } },
  },
})

describe('status of a named bottle', () => {
  it('says who commits, per field, and which part of the manifest says so', async () => {
    const loaded = await loadText(TEXT)
    const status = guestStatus('one', guest({ name: 'Implementer', email: 'dev@acme.example' }), loaded)
    expect(guestLines('one', status)).toEqual([
      '',
      'one',
      '  git user.name   Implementer (agent)',
      '  git user.email  dev@acme.example (bottle)',
      '  environment     API, ROLE',
      '  skills          review',
    ])
  })

  it('says of a bottle that no agent names that the bottle says it', async () => {
    const loaded = await loadText(TEXT.replace(/agents:[^]*/, ''))
    expect(guestStatus('dev', guest({ name: 'Dev' }), loaded).name).toEqual({ value: 'Dev', from: 'bottle' })
  })

  it('names no part for what the manifest says otherwise now, or where there is none', async () => {
    const loaded = await loadText(TEXT)
    expect(guestStatus('one', guest({ name: 'Old' }), loaded).name).toEqual({ value: 'Old' })
    expect(guestStatus('one', guest({ name: 'Implementer' }), undefined).name).toEqual({
      value: 'Implementer',
    })
  })

  it('says nothing where nothing stands in it, and never a name that only its program is to know', () => {
    expect(guestLines('one', guestStatus('one', { fields: {} }, undefined))).toEqual([])
    expect(JSON.stringify(guestStatus('one', guest({}), undefined))).not.toContain('AGENT_TOKEN')
  })
})
