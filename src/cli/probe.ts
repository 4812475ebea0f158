import { Command, Option } from 'commander'
import { systemClock } from '../clock.ts'
import { TuneError } from '../errors.ts'
import type { StudyEvent } from '../event.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { loadStudy } from '../trials/load.ts'
import { checkSendable } from '../trials/sendable.ts'
import { prepare } from '../trials/session.ts'
import { sourcesFor } from '../trials/sources.ts'
import { imageSize, jsonOption, keyValue, known, positive, resultsOption, type ImageSize } from './options.ts'
import { probeNetworks } from './probe_networks.ts'
import { probeStudy } from './probe_study.ts'
import { networksJson, networksText, studyCostJson, studyCostText } from './probe_tables.ts'
import { openExecutor } from './executors.ts'
import { interruptible, NOTHING_KEPT } from './signals.ts'
import { holdSlots, slotsOf } from './slots.ts'
import { launchedStudy, type Surroundings } from './start.ts'

interface Options {
  readonly results: string
  readonly study?: string
  readonly set?: Readonly<Record<string, string>>
  readonly trials?: number
  readonly steps?: number
  readonly slots?: number
  readonly device: string
  readonly models?: boolean
  readonly size: ImageSize
  readonly batch: number
  readonly json?: boolean
}

/** `tune probe --study FILE` and `tune probe --models`: what training costs, before it is paid. */
export function probeCommand(around: Surroundings): Command {
  return new Command('probe')
    .description('what a study will cost, by a few steps of its baseline; or what each network costs')
    .option('--study <file>', 'the study file')
    .option('--set <key=value>', 'override one of its settings; may be given many times', keyValue)
    .option('--trials <n>', 'trials to end', positive)
    .option('--steps <n>', 'reports of a trial', positive)
    .option('--slots <n>', 'trials at once; default: a core each', positive)
    .option('--device <list>', 'cpu, cuda:0, cuda:0,1, webgpu or tfjs', 'cpu')
    .option('--models', 'every network of the zoo instead')
    .addOption(sizeOption())
    .option('--batch <n>', 'images a step of --models', positive, 4)
    .addOption(resultsOption())
    .addOption(jsonOption())
    .action((options: Options) => probe(options, around))
}

/** Told as it is written, where Commander would show what it is read as. */
function sizeOption(): Option {
  const option = new Option('--size <HxW>', 'of the images of --models').argParser(imageSize)
  return option.default(imageSize('64x64'), '64x64')
}

async function probe(options: Options, around: Surroundings): Promise<void> {
  if ((options.study === undefined) !== (options.models === true)) {
    throw new TuneError('usage', 'tune probe takes either a study or --models', {
      hint: 'tune probe --study studies/loss_weights.ts',
    })
  }
  const { signal, exitCode, done } = interruptible((text) => around.printError(`${text}\n`), NOTHING_KEPT)
  try {
    await (options.models ? measureNetworks : measureStudy)(options, around, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    around.exitWith(exitCode())
  } finally {
    done()
  }
}

async function measureStudy(options: Options, around: Surroundings, signal: AbortSignal): Promise<void> {
  const { results, set = {}, json } = options
  const file = options.study!
  const { study: defined, url } = await loadStudy(file, results)
  const study = launchedStudy(defined, { file, set, ...known({ trials: options.trials, steps: options.steps }) })
  const say = sayer(options, around)
  const held = await holdSlots(slotsOf(options.device, options.slots, say), study.name, study.executor, say)
  const { slots } = held
  const executor = openExecutor(study.executor, slots, { results })
  try {
    const start = performance.now()
    const onEvent = (event: StudyEvent) => void (event.kind === 'preparing' && say(event.message))
    const sources = sourcesFor(study.name, openSqliteStore(results), results)
    const data = await prepare({ study, results, clock: systemClock, onEvent }, sources)
    const prepared = (performance.now() - start) / 1000
    checkSendable(executor, study, data)
    const cost = await probeStudy({ study, url, data, executor, results, signal })
    if (json) around.print(`${JSON.stringify(studyCostJson(study, slots, prepared, cost))}\n`)
    else around.print(studyCostText(study, slots, prepared, cost, around.terminal))
  } finally {
    await executor.close()
    held.close()
  }
}

async function measureNetworks(options: Options, around: Surroundings, signal: AbortSignal): Promise<void> {
  const { size, batch } = options
  const say = sayer(options, around)
  // Each network has a process of its own, one after another: they see what this one sees.
  const held = await holdSlots(slotsOf(options.device, 1), 'tune probe', 'threads', say)
  try {
    const { device } = held.slots[0]!
    const costs = await probeNetworks({ ...size, batch, device, signal, say })
    if (options.json) around.print(`${JSON.stringify(networksJson(costs))}\n`)
    else around.print(networksText(costs, { ...size, batch, device }))
  } finally {
    held.close()
  }
}

function sayer({ json }: Options, { printError }: Surroundings): (message: string) => void {
  return (message) => (json ? undefined : printError(`${message}\n`))
}
