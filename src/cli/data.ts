import { Command } from 'commander'
import { writeShapes } from '../data/shapes.ts'
import { natural, positive } from './options.ts'

interface Options {
  readonly size: number
  readonly train: number
  readonly val: number
  readonly heldout: number
  readonly seed: number
  readonly json?: boolean
}

/** `tune data shapes DIR`. */
export function dataCommand(print: (text: string) => void): Command {
  const shapes = new Command('shapes')
    .description('write the generated scenes as a COCO panoptic directory')
    .argument('<dir>', 'where to write it; scenes that are there already with the same options are kept')
    .option('--size <pixels>', 'side of a scene', positive, 64)
    .option('--train <scenes>', 'scenes to train on', positive, 256)
    .option('--val <scenes>', 'scenes to tune on', positive, 96)
    .option('--heldout <scenes>', 'scenes that decide nothing', positive, 96)
    .option('--seed <n>', 'another seed, other scenes', natural, 0)
    .option('--json', 'print JSON on stdout')
    .action(async (dir: string, { json, ...options }: Options) => {
      await writeShapes(dir, options)
      const { train, val, heldout, size } = options
      if (json) print(`${JSON.stringify({ dir, ...options })}\n`)
      else print(`${dir}: ${train} training, ${val} validation and ${heldout} held-out scenes of ${size}x${size}\n`)
    })
  return new Command('data').description('make data sets').addCommand(shapes)
}
