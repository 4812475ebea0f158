/** The classes of generated scenes; `color` is that of their segments in the label PNGs. */
export const SHAPE_CATEGORIES = [
  { id: 1, name: 'disc', isThing: true, color: [220, 60, 60] },
  { id: 2, name: 'box', isThing: true, color: [60, 90, 220] },
  { id: 3, name: 'triangle', isThing: true, color: [230, 200, 60] },
  { id: 4, name: 'ring', isThing: true, color: [200, 80, 210] },
  { id: 5, name: 'star', isThing: true, color: [80, 220, 220] },
  { id: 21, name: 'stripes', isThing: false, color: [70, 130, 70] },
  { id: 22, name: 'checks', isThing: false, color: [150, 120, 90] },
  { id: 23, name: 'gravel', isThing: false, color: [110, 110, 110] },
  { id: 24, name: 'haze', isThing: false, color: [120, 150, 180] },
] as const

export type ShapeName = (typeof SHAPE_CATEGORIES)[number]['name']
