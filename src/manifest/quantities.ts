/** Sizes, durations and rates as numbers. The schema has checked how they are written. */

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 }

/** Bytes; `undefined` when it is no size. */
export function bytesOf(size: string | number): number | undefined {
  if (typeof size === 'number') return size
  const [, amount, unit] = /^([0-9.]+)([A-Za-z]+)(?:\/day)?$/.exec(size) ?? []
  const factor = unit === undefined ? undefined : UNITS[unit]
  return factor === undefined ? undefined : Math.round(Number(amount) * factor)
}

/** Milliseconds; `undefined` when it is no duration. */
export function millisecondsOf(duration: string): number | undefined {
  const [, amount, unit] = /^([0-9]+)(ms|s|m|h|d)$/.exec(duration) ?? []
  const factor = unit === undefined ? undefined : DURATIONS[unit]
  return factor === undefined ? undefined : Number(amount) * factor
}

/** Per second; `undefined` when it is no rate. */
export function perSecondOf(rate: string): number | undefined {
  const [, amount, unit] = /^([0-9]+)\/(s|m|h)$/.exec(rate) ?? []
  const factor = unit === undefined ? undefined : DURATIONS[unit]
  return factor === undefined ? undefined : (Number(amount) * 1e3) / factor
}
