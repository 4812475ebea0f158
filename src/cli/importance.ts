import { Command } from 'commander'
import { nearest, TuneError } from '../errors.ts'
import type { Json } from '../json.ts'
import { stream } from '../rng.ts'
import { fanova } from '../search/importance/fanova.ts'
import type { Importance } from '../search/importance/importance.ts'
import { pedAnova } from '../search/importance/ped_anova.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { StoredStudy } from '../store/store.ts'
import type { Goal } from '../trial.ts'
import { count, table, wrap } from './format.ts'
import { jsonOption, resultsOption } from './options.ts'
import { findStudy } from './stored.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly goal?: string
  readonly json?: boolean
}

/** `tune importance`: which parameters the results depended on, and which cannot be told from nothing. */
export function importanceCommand(print: (text: string) => void, terminal: Terminal): Command {
  return new Command('importance')
    .description('how much each parameter matters, and which cannot be told from nothing')
    .addOption(resultsOption())
    .option('--study <name>', 'which study; default: the one changed last')
    .option('--goal <metric>', 'which of several goals; default: the first')
    .addOption(jsonOption())
    .action((options: Options) => {
      const store = openSqliteStore(options.results)
      try {
        const found = importanceOf(findStudy(store, options.study), options.goal)
        print(
          options.json ? `${JSON.stringify(importanceJson(found), null, 2)}\n` : `${importanceText(found, terminal)}\n`,
        )
      } finally {
        store.close()
      }
    })
}

interface Found {
  readonly study: string
  readonly goal: Goal
  /** Complete trials. */
  readonly trials: number
  /** What being among the best tenth depended on. */
  readonly best: readonly Importance[]
  /** What the variance over the whole space comes from. */
  readonly variance: readonly Importance[]
}

function importanceOf({ record, history }: StoredStudy, wanted: string | undefined): Found {
  const goal = goalNamed(record.goals, wanted)
  const judged = { ...history, goals: [goal] }
  return {
    study: record.name,
    goal,
    trials: history.trials.filter(({ outcome }) => outcome.state === 'complete').length,
    best: pedAnova(judged, stream(record.seed, 'importance', 'ped_anova')),
    variance: fanova(judged, stream(record.seed, 'importance', 'fanova')),
  }
}

function goalNamed(goals: readonly Goal[], wanted: string | undefined): Goal {
  const found = wanted === undefined ? goals[0] : goals.find(({ metric }) => metric === wanted)
  if (found) return found
  const names = goals.map(({ metric }) => metric)
  const near = nearest(wanted ?? '', names)
  throw new TuneError('usage', `--goal ${wanted}: the study has no such goal`, {
    hint: near ? `did you mean '${near}'?` : `its goals are ${names.join(', ')}`,
  })
}

function importanceText({ study, goal, trials, best, variance }: Found, terminal: Terminal): string {
  const head = `${study}: what ${count(trials, 'complete trial')} of it say${trials === 1 ? 's' : ''} about ${goal.metric}`
  const named = best.length > 0 ? best : variance
  if (named.length === 0) return `${head}\ntoo few to say which parameters matter: 10 are needed`
  const rows = named.map(({ name }) => [name, cell(best, name), cell(variance, name)])
  const notes = [
    'best 10 %: what being among them depended on, where this study looked (PED-ANOVA).',
    'variance: what each explains by itself over the whole space (fANOVA); the rest is interactions and noise.',
    'In brackets, 95 % intervals. Where a sampler sought what is good, chance is not all that can mislead.',
  ]
  const lines = notes.map((note) => wrap(note, terminal.columns, '  '))
  return [head, table(['parameter', 'best 10 %', 'variance'], rows), ...lines].join('\n')
}

function cell(found: readonly Importance[], name: string): string {
  const one = found.find((importance) => importance.name === name)
  if (!one) return 'too few trials'
  if (!one.isShown) return 'cannot be told from nothing'
  const [share, low, high] = [one.share, one.low, one.high].map((part) => Math.round(100 * part))
  return `${share} % (${low} to ${high})`
}

function importanceJson({ study, goal, trials, best, variance }: Found): Json {
  const shown = (found: readonly Importance[]) => found.map((importance) => ({ ...importance }))
  return { study, goal: { ...goal }, trials, best: shown(best), variance: shown(variance) }
}
