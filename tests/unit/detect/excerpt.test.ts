import { describe, expect, it } from 'vitest'
import { headExcerpt, maskedExcerpt } from '../../../sidecars/detect/excerpt.ts'

const HEAD = 'api.test\n/a/SECRET/b?x=1&token=SECRET&SECRET=1\nX-Key: SECRET\nSECRET: x\nlong: a=SECRET\n'
const places = [...HEAD.matchAll(/SECRET/g)].map(({ index }) => ({ start: index, end: index + 6 }))

describe('an excerpt', () => {
  it('says in which part of a head a hit stands, and how long it is', () => {
    expect(places.map((place) => headExcerpt(HEAD, place, places))).toEqual([
      'path: [6 bytes]',
      'query token: [6 bytes]',
      'query: [6 bytes]',
      'header X-Key: [6 bytes]',
      'header: [6 bytes]',
      'header long: [6 bytes]',
    ])
  })

  it('is of the host where that is what the agent chose', () => {
    expect(headExcerpt(HEAD, { start: 0, end: 3 }, [])).toBe('host: [3 bytes]')
  })

  it('shows no name that another hit reaches into, or that is none', () => {
    const head = 'h\n/?chosen=VALUE&q"=VALUE\n'
    const [first = 0, second = 0] = [...head.matchAll(/VALUE/g)].map(({ index }) => index)
    const name = { start: head.indexOf('chosen'), end: head.indexOf('chosen') + 6 }
    const value = { start: first, end: first + 5 }
    expect(headExcerpt(head, value, [value])).toBe('query chosen: [5 bytes]')
    expect(headExcerpt(head, value, [value, name])).toBe('query: [5 bytes]')
    expect(headExcerpt(head, { start: second, end: second + 5 }, [])).toBe('query: [5 bytes]')
  })

  it('names the encodings from the inside out, and is absent where nothing has an extent', () => {
    expect(maskedExcerpt({ start: 3, end: 60, layers: ['gzip', 'base64'] })).toBe(
      '[57 bytes in base64 in gzip]',
    )
    expect(maskedExcerpt({ start: 0, end: 0 })).toBeUndefined()
  })
})
