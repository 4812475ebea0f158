import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { median, type Row } from './row.ts'
import { writeScenes } from './scene_files.ts'
import { madeScene } from './scenes.ts'

const [IMAGES, DISTINCT, ROUNDS] = [5000, 40, 3]
const MOST_MB = 400

/** 5000 PNG predictions of COCO's size against cached ground truth: wall time by two threads and by one, and memory. */
export async function rows(): Promise<readonly Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-bench-'))
  const built = join(process.cwd(), 'node_modules/.cache/panoptune-bench')
  try {
    const options = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const
    await build({
      ...options,
      entryPoints: ['bench/eval/score_once.ts', 'src/eval/score_worker.ts'],
      outdir: built,
      outExtension: { '.js': '.mjs' },
      entryNames: '[name]',
    })
    writeScenes(
      dir,
      Array.from({ length: DISTINCT }, (_, i) => madeScene(i)),
      IMAGES,
    )
    const run = (workers: number) => {
      const ran = spawnSync(process.execPath, [join(built, 'score_once.mjs'), dir, String(workers)], {
        encoding: 'utf8',
      })
      if (ran.status !== 0) throw new Error(ran.stderr)
      const measured: { ms: number; cpu: number; main: number; megabytes: number; pq: number } = JSON.parse(ran.stdout)
      return measured
    }
    const building = run(2) // makes the cache
    const rounds = Array.from({ length: ROUNDS }, () => ({ one: run(1), two: run(2) }))
    const all = [building, ...rounds.flatMap(({ one, two }) => [one, two])]
    const memory = Math.max(...all.map(({ megabytes }) => megabytes))
    if (new Set(all.map(({ pq }) => pq)).size > 1) throw new Error('the number of workers changes the score')
    // Other work on the machine only adds time: the least of the rounds is nearest to the truth.
    const [one, two] = (['one', 'two'] as const).map((key) => Math.min(...rounds.map((round) => round[key].ms))) as [
      number,
      number,
    ]
    // On a machine that is busy both take as long as the one core they get: then CPU time tells what two cores would do.
    const path = median(rounds.map(({ two: { cpu, main } }) => main + (cpu - main) / 2))
    const alone = median(rounds.map((round) => round.one.cpu))
    return [
      {
        what: '5000 images, 2 workers against 1: wall time',
        ours_ms: two,
        reference_ms: one,
        ratio: one / two,
        target: 1.7,
      },
      {
        what: '  main thread and half of the rest, CPU time',
        ours_ms: path,
        reference_ms: alone,
        ratio: alone / path,
        target: 1.7,
      },
      {
        what: `  memory ${memory.toFixed(0)} MB, cache made: ratio of ${MOST_MB} MB`,
        ours_ms: building.ms,
        ratio: MOST_MB / memory,
        target: 1,
      },
    ]
  } finally {
    rmSync(dir, { recursive: true })
  }
}
