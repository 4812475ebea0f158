/** How much one dimension matters. */
export interface Importance {
  readonly name: string
  /** 0 to 1. */
  readonly share: number
  /** The 95 % bootstrap interval of the share. */
  readonly low: number
  readonly high: number
  /** Whether it is more than chance makes of a dimension that does not matter, at 5 % for all dimensions together. */
  readonly isShown: boolean
}
