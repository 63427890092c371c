/** The version of this program; the bundle carries it inside. */
import metadata from '../../package.json' with { type: 'json' }

export const VERSION: string = metadata.version
