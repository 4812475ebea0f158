import { Command } from 'commander'
import { isTuneError, nearest, TuneError } from '../errors.ts'
import { defaults, leaves, spaceSpec, type Choice, type Leaf, type Params } from '../space.ts'
import { enqueueTrial } from '../store/sqlite.ts'
import { fromLeaves } from '../store/optuna.ts'
import type { Study } from '../study.ts'
import { recordOf } from '../trials/driver.ts'
import { loadStudy } from '../trials/load.ts'
import { checkPoint } from '../trials/parse_study.ts'
import { paramsLine } from './format.ts'
import { keyValue, known, natural, resultsOption } from './options.ts'
import { launchedStudy } from './start.ts'

interface Options {
  readonly results: string
  readonly study: string
  readonly name?: string
  readonly seed?: number
  readonly set?: Readonly<Record<string, string>>
}

/** `tune enqueue --study FILE key=value ...`: a trial that the next free slot takes, before it asks the sampler. */
export function enqueueCommand(print: (text: string) => void): Command {
  return new Command('enqueue')
    .description(
      'let a configuration wait to be tried next, in a study that runs or is yet to; the rest is at its default',
    )
    .argument('<key=value...>', 'its params, such as lr=0.01 schedule=poly schedule.poly.power=0.9')
    .requiredOption('--study <file>', 'the study file')
    .option('--name <name>', 'of the study that is kept under another name')
    .option('--seed <n>', 'the seed of that study', natural)
    .option('--set <key=value>', 'one of its settings; may be given many times', keyValue)
    .addOption(resultsOption())
    .action(async (words: readonly string[], { results, study: file, set = {}, ...options }: Options) => {
      const loaded = await loadStudy(file, results)
      const study = launchedStudy(loaded.study, { file, set, ...known(options) })
      const params = paramsOf(study, words)
      const number = enqueueTrial(results, recordOf(study, loaded.codeHash), params)
      print(`trial ${number} of ${study.name} waits to be run: ${paramsLine(params)}\n`)
    })
}

/** The defaults with what the words change. */
function paramsOf(study: Study, words: readonly string[]): Params {
  const specs = spaceSpec(study.space)
  const all = leaves(specs, defaults(study.space) as Params)
  const given = new Map(words.map((word) => parseWord(word, all)))
  const values = new Map(all.map((leaf) => [leaf.name, given.get(leaf.name) ?? leaf.spec.default]))
  const params = fromLeaves(specs, values)
  const unused = leaves(specs, params).find(({ name, active }) => given.has(name) && !active)
  if (unused) throw new TuneError('usage', `'${unused.name}' counts only where what it depends on is chosen, too`)
  try {
    checkPoint(study, params, words.join(' '))
  } catch (error) {
    throw isTuneError(error) ? new TuneError('usage', error.message, { cause: error }) : error
  }
  return params
}

function parseWord(word: string, all: readonly Leaf[]): readonly [string, Choice] {
  const at = word.indexOf('=')
  const [name, text] = [word.slice(0, at), word.slice(at + 1)]
  if (at < 1) throw new TuneError('usage', `${word}: write it as key=value`)
  const leaf = all.find((one) => one.name === name)
  if (leaf) return [name, valueOf(leaf, text)]
  const names = all.map((one) => one.name)
  const near = nearest(name, names)
  throw new TuneError('usage', `${word}: the study has no parameter '${name}'`, {
    hint: near ? `did you mean '${near}'?` : `it has ${names.join(', ')}`,
  })
}

/** A number, or the choice that is written so. Whether it is one of the parameter's is seen when it is encoded. */
function valueOf({ spec }: Leaf, text: string): Choice {
  if (!('choices' in spec)) return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
  return spec.choices.find((option) => String(option) === text) ?? text
}
