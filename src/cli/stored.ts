import { nearest, TuneError } from '../errors.ts'
import type { Store, StoredStudy } from '../store/store.ts'
import type { Trial } from '../trial.ts'

/** The stored study of that name or, without one, the one changed last. */
export function findStudy(store: Pick<Store, 'list'>, name: string | undefined): StoredStudy {
  const all = store.list()
  if (all.length === 0)
    throw new TuneError('study/unknown', 'no study is stored here yet', {
      hint: 'start one: tune --study studies/loss_weights.ts; or say where it is: --results DIR',
    })
  if (name === undefined) return all.toSorted((a, b) => b.updatedAt - a.updatedAt)[0]!
  const found = all.find(({ record }) => record.name === name)
  if (found) return found
  const names = all.map(({ record }) => record.name)
  const near = nearest(name, names)
  throw new TuneError('study/unknown', `no study '${name}' is stored here`, {
    hint: near ? `did you mean '${near}'?` : `there are ${names.join(', ')}`,
  })
}

/** A trial by its number. */
export function findTrial({ record, history }: StoredStudy, number: number): Trial {
  const trial = history.trials.find((candidate) => candidate.number === number)
  if (trial) return trial
  const last = history.trials.length - 1
  throw new TuneError('usage', `study '${record.name}' has no trial ${number}`, {
    hint: last < 0 ? 'it has none yet' : `its trials are 0 to ${last}`,
  })
}
