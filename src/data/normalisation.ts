import type { ImageSet, Scene } from './image_set.ts'

/** What makes a pixel's 0 to 255 a network's input, (x / 255 - mean) / deviation, by channel. */
export interface Normalisation {
  readonly mean: readonly [number, number, number]
  readonly deviation: readonly [number, number, number]
}

export const DEFAULT_NORMALISATION: Normalisation = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] }

/** A normalisation for each domain of a set, as plain data. */
export interface DomainNormalisation {
  /** By `domainOf`. */
  readonly domains: Readonly<Record<string, Normalisation>>
  /** For images of domains that the training images lack. */
  readonly others: Normalisation
}

/** Where a photograph comes from: its folder below the set's photographs, '' where it lies directly there. */
export function domainOf({ file }: Pick<Scene, 'file'>): string {
  return file.split(/[\\/]/).slice(0, -1).join('/')
}

/** The one for a scene. */
export function normalisationFor(
  scene: Pick<Scene, 'file'>,
  normalisation: Normalisation | DomainNormalisation,
): Normalisation {
  if (!('domains' in normalisation)) return normalisation
  const domain = domainOf(scene)
  return Object.hasOwn(normalisation.domains, domain) ? normalisation.domains[domain]! : normalisation.others
}

/**
 * Brings each domain of the training images to zero mean and unit variance, channel by channel. A set without folders is
 * one domain.
 */
export function domainNormalisation({ scenes, pixels }: Pick<ImageSet, 'scenes' | 'pixels'>): DomainNormalisation {
  const names = [...new Set(scenes.map(domainOf))]
  const of = (domain: string) => scenes.filter((scene) => domainOf(scene) === domain)
  return {
    domains: Object.fromEntries(names.map((domain) => [domain, statisticsOf(pixels, of(domain))])),
    others: statisticsOf(pixels, scenes),
  }
}

/** Sums of whole numbers, exact up to 10^11 pixels: the order of the scenes makes no difference. */
function statisticsOf(pixels: Uint8Array, scenes: readonly Scene[]): Normalisation {
  const [sums, squares] = [new Float64Array(3), new Float64Array(3)]
  for (const { at, height, width } of scenes) {
    for (let i = 3 * at; i < 3 * (at + height * width); i += 3) {
      for (let channel = 0; channel < 3; channel++) {
        const value = pixels[i + channel]!
        sums[channel]! += value
        squares[channel]! += value * value
      }
    }
  }
  const count = scenes.reduce((sum, { height, width }) => sum + height * width, 0)
  const mean = (channel: number) => sums[channel]! / count
  const variance = (channel: number) => squares[channel]! / count - mean(channel) ** 2
  // A channel without variation must not become infinitely loud: one grey level is as fine as photographs are.
  const deviation = (channel: number) => Math.max(1, Math.sqrt(Math.max(0, variance(channel)))) / 255
  return {
    mean: [mean(0) / 255, mean(1) / 255, mean(2) / 255],
    deviation: [deviation(0), deviation(1), deviation(2)],
  }
}
