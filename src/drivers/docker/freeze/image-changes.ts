/**
 * What an imported file system is told to be: what its source image said of programs that start, its variables, its
 * volumes, and our labels. From the source image, never from the container, whose configuration is the bottle's. Pure.
 */
import type { InspectedImage } from '../decode.ts'

export interface ImageChanges {
  /** One instruction a line, as in a Dockerfile. */
  readonly lines: readonly string[]
  /** Variables with a line break, which no instruction can set. */
  readonly leftOut: readonly string[]
}

type Source = Pick<InspectedImage, 'env' | 'entrypoint' | 'command' | 'workdir' | 'volumes'>

export function imageChanges(source: Source, labels: Readonly<Record<string, string>>): ImageChanges {
  const variables = source.env.flatMap((line) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value }]
  })
  const isSayable = ({ name, value }: { readonly name: string; readonly value: string }): boolean =>
    /^[\w.-]+$/.test(name) && !/\p{Cc}/u.test(value)
  return {
    lines: [
      ...variables.filter(isSayable).map(({ name, value }) => `ENV ${name}=${quoted(value)}`),
      ...(source.entrypoint.length > 0 ? [`ENTRYPOINT ${JSON.stringify(source.entrypoint)}`] : []),
      ...(source.command.length > 0 ? [`CMD ${JSON.stringify(source.command)}`] : []),
      ...(source.workdir === '' || /\p{Cc}/u.test(source.workdir)
        ? []
        : [`WORKDIR ${quoted(source.workdir)}`]),
      // Another one would have been refused when the container was made.
      ...source.volumes.filter((path) => /^\/[\w./+-]*$/.test(path)).map((path) => `VOLUME ["${path}"]`),
      ...Object.entries(labels).map(([name, value]) => `LABEL ${quoted(name)}=${quoted(value)}`),
    ],
    leftOut: variables.filter((variable) => !isSayable(variable)).map(({ name }) => name),
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"$]/g, (sign) => `\\${sign}`)}"`
}
