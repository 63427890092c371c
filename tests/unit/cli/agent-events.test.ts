import { describe, expect, it } from 'vitest'
import { refusalIn, saidIn } from '../../../src/cli/program/agent-events.ts'

describe('a line of an agent’s output', () => {
  it.each([
    ['words', 'All is done.', { text: 'All is done.' }],
    ['an object is the program’s own event', '{"type":"result"}', { message: { type: 'result' } }],
    ['another value of JSON is words', '[1]', { text: '[1]' }],
    ['half an object is words', '{"type":', { text: '{"type":' }],
    ['nothing', '', { text: '' }],
  ])('with %s', (_what, line, said) => {
    expect(saidIn(line)).toEqual(said)
  })
})

describe('a line of an audit', () => {
  const at = '2026-01-02T03:04:05.000Z'
  it('of a refusal says what was refused and why', () => {
    const row = {
      at,
      decision: 'refused',
      rule: 'host-undeclared',
      host: 'x.example',
      port: 443,
      method: 'GET',
      path: '/a',
    }
    expect(refusalIn(JSON.stringify(row))).toEqual({
      at,
      rule: 'host-undeclared',
      host: 'x.example',
      method: 'GET',
      path: '/a',
    })
  })

  it.each([
    ['that was allowed', { at, decision: 'allowed', host: 'x.example' }],
    ['that is no access', { at, event: 'reload' }],
    ['that says lines are lost', { lost: 3 }],
  ])('%s is none', (_what, row) => {
    expect(refusalIn(JSON.stringify(row))).toBeUndefined()
  })
})
