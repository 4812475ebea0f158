import { Command } from 'commander'
import { instancesCommand } from './eval_instances.ts'
import { panopticCommand } from './eval_panoptic.ts'
import { semanticCommand } from './eval_semantic.ts'

/** `tune eval`: scores of predictions in files, without a study. `print` takes what goes to stdout. */
export function evalCommand(
  print = (text: string): void => void process.stdout.write(text),
  printError = (text: string): void => void process.stderr.write(text),
): Command {
  return new Command('eval')
    .description('score predictions as the papers do')
    .addCommand(panopticCommand(print, printError))
    .addCommand(instancesCommand(print))
    .addCommand(semanticCommand(print))
}
