import { describe, expect, it } from 'vitest'
import { holdsToken } from '../../../src/manifest/secret-ref.ts'

const letters = (count: number): string => 'aB3dE6gH9j'.repeat(10).slice(0, count)
const TOKENS = [
  `ghp_${letters(36)}`,
  `github_pat_${letters(70)}`,
  `glpat-${letters(20)}`,
  `sk-ant-api03-${letters(40)}`,
  `sk_live_${letters(24)}`,
  `xoxb-${letters(30)}`,
  'AKIAABCDEFGHIJKLMNOP',
  `npm_${letters(36)}`,
  `eyJ${letters(30)}.eyJ${letters(30)}.${letters(30)}`,
]

describe('a literal of the manifest holds a token', () => {
  it.each(TOKENS)('%s', (token) => {
    for (const text of [
      token,
      `Bearer ${token}`,
      `--token=${token}`,
      `https://x.example/?key=${token}`,
      `"${token}"`,
    ])
      expect(holdsToken(text), text).toBe(true)
  })

  it.each([
    'task-runner',
    '--mask-all',
    'risk-assessment-of-a-very-long-name',
    'a sk-1',
    'node server.mjs',
    'AKIA',
  ])('but %s is none', (text) => expect(holdsToken(text)).toBe(false))
})
