/** The one place where kinds of tokens from the host become a type; whether one can be searched for is for the scanner to say. */
import type { DetectorShapes, TokenShape } from '../../src/model/token-shape.ts'
import { NAME_PATTERN } from '../../src/model/names.ts'
import { DecodeError, fields, flag, list, mapOf, text, textOf, whole } from '../control/decode.ts'

const DETECTORS_MAX = 16
const SHAPES_MAX = 512
const TEXTS_MAX = 100
const OPTIONAL = ['offset', 'lookback', 'anyCase', 'before', 'after', 'checksum', 'entropy', 'documented']

const texts = list((value, at) => text(value, at), TEXTS_MAX)
const parts = list(texts, TEXTS_MAX)

export function decodeDetectors(value: unknown, at: string): DetectorShapes {
  return mapOf(textOf(NAME_PATTERN, 63), list(decodeShape, SHAPES_MAX), DETECTORS_MAX)(value, at)
}

function decodeShape(value: unknown, at: string): TokenShape {
  const found = fields(value, at, ['id', 'anchors', 'pattern'], OPTIONAL)
  const given = <T>(key: string, read: (value: unknown, at: string) => T): Readonly<Record<string, T>> =>
    found[key] === undefined ? {} : { [key]: read(found[key], `${at}.${key}`) }
  return {
    id: textOf(/^[a-z0-9]+(-[a-z0-9]+)*$/, 63)(found['id'], `${at}.id`),
    anchors: texts(found['anchors'], `${at}.anchors`),
    pattern: text(found['pattern'], `${at}.pattern`),
    ...given('offset', (offset, place) => whole(offset, place, 1, LEAD_MAX)),
    ...given('lookback', decodeLookback),
    ...given('anyCase', flag),
    ...given('before', text),
    ...given('after', text),
    ...given('checksum', text),
    ...given('entropy', decodeEntropy),
    ...given('documented', parts),
  }
}

/** Bytes before an anchor. */
const LEAD_MAX = 96

function decodeLookback(value: unknown, at: string): NonNullable<TokenShape['lookback']> {
  const found = fields(value, at, ['class', 'max'])
  return {
    class: text(found['class'], `${at}.class`),
    max: whole(found['max'], `${at}.max`, 1, LEAD_MAX),
  }
}

function decodeEntropy(value: unknown, at: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 6))
    throw new DecodeError(`${at} is not from 0 to 6`)
  return value
}
