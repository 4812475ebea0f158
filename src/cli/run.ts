import { Command, Option } from 'commander'
import { TuneError } from '../errors.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { readLaunch } from './launch.ts'
import { jsonOption, keyValue, known, natural, positive, resultsOption } from './options.ts'
import { slotCount } from './slots.ts'
import { start, type RunOptions, type Surroundings } from './start.ts'
import { findStudy } from './stored.ts'

/** `tune run FILE`, which is `tune --study FILE`, and `tune resume STUDY`. */
export function runCommands(around: Surroundings): readonly Command[] {
  const run = withRunOptions(new Command('run'))
    .description('start a study, or continue it')
    .argument('[file]', 'the study file')
    .option('--study <file>', 'the study file')
    .option('--name <name>', 'keep it under another name: another study')
    .option('--seed <n>', 'another seed: another study', natural)
    .option('--set <key=value>', 'override one of its settings; may be given many times', keyValue)
    .action(async (positional: string | undefined, options: RunOptions) => {
      const file = studyFile(positional, options.study)
      const { name, seed, set = {} } = options
      await start({ file, set, ...known({ name, seed }), ...repeatable(options) }, options, around)
    })
  const resume = withRunOptions(new Command('resume'))
    .description('continue a study that was started before, by its name')
    .argument('<study>', 'its name')
    .action(async (name: string, options: RunOptions) => {
      const { record } = findStudy(openSqliteStore(options.results), name)
      const launch = { ...readLaunch(options.results, record.name), ...repeatable(options) }
      await start({ ...launch, name: record.name }, options, around)
    })
  return [run, resume]
}

function withRunOptions(command: Command): Command {
  const kinds = ['inline', 'threads', 'processes']
  return command
    .option('--trials <n>', 'trials to end', positive)
    .option('--steps <n>', 'reports of a trial', positive)
    .option('--slots <n|auto>', 'trials at once, or as many as fit a GPU; default: one a core or GPU', slotCount)
    .addOption(
      new Option('--executor <kind>', 'where trials run; default: as the study says, or as its devices need').choices(
        kinds,
      ),
    )
    .option('--device <list>', 'cpu (the default), cuda:0, cuda:0,1, webgpu or tfjs')
    .addOption(resultsOption())
    .option('--accept-code-change', 'continue although the code of the study was edited')
    .option('--exclusive', 'let nothing else read the results meanwhile: they may lie on a network disk then')
    .option('--dry-run', 'say what would be done')
    .addOption(jsonOption())
    .addOption(new Option('--max-failures <n>', 'failed trials that end the study').argParser(positive))
    .addOption(new Option('--fail-fast', 'the first failed trial ends the study').implies({ maxFailures: 1 }))
    .option('--quiet', 'print the summary only')
}

/** What `tune resume` repeats, unless it is told otherwise. */
function repeatable({ trials, steps, maxFailures: failures, slots, executor, device }: RunOptions) {
  return known({ trials, steps, failures, slots, executor, device })
}

function studyFile(positional: string | undefined, option: string | undefined): string {
  if (positional !== undefined && option !== undefined) {
    throw new TuneError('usage', `tune run takes one study file, not both ${option} and ${positional}`)
  }
  const file = positional ?? option
  if (file !== undefined) return file
  throw new TuneError('usage', 'tune run needs a study file', { hint: 'tune --study studies/loss_weights.ts' })
}
