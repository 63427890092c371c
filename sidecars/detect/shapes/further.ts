/** A scanner with the kinds of tokens that detectors add; they stand beside the others in one search. */
import { detectorRule } from '../../../src/model/token-shape.ts'
import type { DetectorShapes } from '../../../src/model/token-shape.ts'
import { compileShape } from './compile.ts'
import { createShapeScanner } from './scanner.ts'
import type { ShapeScanner } from './scanner.ts'
import { scannedShape, SHAPES } from './shape.ts'
import type { ScannedShape } from './shape.ts'

/** Throws for one that cannot be searched for. */
export function scannerWith(detectors: DetectorShapes): ShapeScanner {
  return createShapeScanner([...SHAPES, ...furtherShapes(detectors)])
}

/** Compiled once already, so that none of them fails when it is met. */
export function furtherShapes(detectors: DetectorShapes): readonly ScannedShape[] {
  const shapes = Object.entries(detectors).flatMap(([detector, kinds]) =>
    kinds.map((kind) => scannedShape(kind, detectorRule(detector, kind.id))),
  )
  for (const shape of shapes) compileShape(shape)
  return shapes
}
