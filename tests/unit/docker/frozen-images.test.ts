import { describe, expect, it } from 'vitest'
import { frozenIn, frozenName } from '../../../src/drivers/docker/freeze/frozen-images.ts'
import { imageChanges } from '../../../src/drivers/docker/freeze/image-changes.ts'
import { labelsOf } from '../../../src/drivers/docker/labels.ts'
import { address } from '../../../src/model/address.ts'
import { chosenFrom } from '../../../src/model/frozen.ts'

const labels = labelsOf({
  stack: 'acme',
  installation: '0123456789abcdef',
  address: address.bottle('dev'),
  part: 'frozen',
  program: '0.1.0',
  imageDigest: 'aa',
})
const listed = (tags: readonly string[], more: Readonly<Record<string, string>> = {}) => ({
  id: 'sha256:1',
  tags,
  labels: { ...labels, ...more },
  size: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
})

describe('a frozen image', () => {
  it('is known by its name and its labels together', () => {
    const name = frozenName('acme', 'dev', 'monday')
    expect(frozenIn(listed([name])).map(({ bottle, reference }) => [bottle, reference])).toEqual([
      ['dev', name],
    ])
    const others = [
      ['built on one', listed(['mine/image:1'])],
      ['of another bottle by its labels', listed([frozenName('acme', 'qa', 'monday')])],
      ['of another stack by its labels', listed([frozenName('other', 'dev', 'monday')])],
      ['that only somebody named so', listed([name], { 'dev.bot-bottle.part': 'image' })],
    ] as const
    for (const [what, image] of others) expect(frozenIn(image), what).toEqual([])
  })

  it('is chosen as the newest of its bottle that began from the declared image', () => {
    const of = (tag: string, inputDigest: string, bottle = 'dev') => ({
      stack: 'acme',
      bottle,
      reference: frozenName('acme', bottle, tag),
      id: tag,
      size: 1,
      createdAt: tag,
      inputDigest,
    })
    const all = [of('1', 'aa'), of('2', 'aa'), of('3', 'bb'), of('4', 'aa', 'qa')]
    expect(chosenFrom(all, 'dev', 'aa')?.id).toBe('2')
    expect(chosenFrom(all, 'dev', 'cc')).toBeUndefined()
  })

  it('is told to be what its source image is, whatever the texts hold', () => {
    const source = {
      env: ['PATH=/bin', 'QUOTE=a "b" \\ $HOME', 'EMPTY=', 'LINES=a\nb', 'odd name=1'],
      entrypoint: ['/bin/sh', '-c', 'echo "$1"'],
      command: [],
      workdir: '/srv/$x',
      volumes: ['/data', '/a"b'],
    }
    expect(imageChanges(source, { 'dev.bot-bottle.part': 'frozen' })).toEqual({
      lines: [
        'ENV PATH="/bin"',
        'ENV QUOTE="a \\"b\\" \\\\ \\$HOME"',
        'ENV EMPTY=""',
        'ENTRYPOINT ["/bin/sh","-c","echo \\"$1\\""]',
        'WORKDIR "/srv/\\$x"',
        'VOLUME ["/data"]',
        'LABEL "dev.bot-bottle.part"="frozen"',
      ],
      leftOut: ['LINES', 'odd name'],
    })
  })
})
