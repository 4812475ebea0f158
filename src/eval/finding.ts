/** Something about the input that panopticapi takes without a word, and that makes its score mean something else. */
export interface Finding {
  readonly kind:
    | 'area'
    | 'categories'
    | 'category-unknown'
    | 'crowds'
    | 'duplicate'
    | 'extra'
    | 'id-reserved'
    | 'id-zero'
    | 'missing'
    | 'no-pixels'
    | 'not-finite'
    | 'size'
    | 'unlisted'
  readonly file: string
  readonly image?: number | string
  readonly segment?: number
  /** One sentence with both values. */
  readonly message: string
}

/** A finding on one line: file, image, segment, what. */
export function findingLine({ file, image, segment, message }: Finding): string {
  const where = [file, ...(image === undefined ? [] : [`image ${image}`]), ...(segment === undefined ? [] : [`segment ${segment}`])] // prettier-ignore
  return `${where.join(': ')}: ${message}`
}
