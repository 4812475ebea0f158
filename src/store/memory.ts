import { systemClock, type Clock } from '../clock.ts'
import { TuneError } from '../errors.ts'
import { checkUnchanged } from './changes.ts'
import { afterDriver, createLedger, type Ledger } from './ledger.ts'
import { placeIn } from '../space.ts'
import { spaceOf } from './space_of.ts'
import type { LoggedEvent, Store, StudyRecord } from './store.ts'

interface Entry {
  record: StudyRecord
  ledger: Ledger
  isOpen: boolean
  startedAt: number
  updatedAt: number
  readonly events: LoggedEvent[]
}

/** Keeps studies for as long as it lives: for tests, benches and dry runs. `close` lets others open its studies. */
export function openMemoryStore({ clock = systemClock }: { readonly clock?: Clock } = {}): Store {
  const entries = new Map<string, Entry>()
  return {
    open: (record, { acceptCodeChange = false } = {}) => {
      const entry = entries.get(record.name) ?? create(record)
      if (entry.isOpen) throw new TuneError('store/locked', `study '${record.name}' is being run already`)
      const { trials } = entry.ledger.history()
      if (trials.length > 0) checkUnchanged(entry.record, record, { acceptCodeChange })
      entry.record = record
      const space = spaceOf(record.space)
      entry.ledger = createLedger(record, trials.map((trial) => ({ ...afterDriver(trial), ...placeIn(space, trial.params) }))) // prettier-ignore
      entry.isOpen = true
      return writer(entry)
    },
    list: () =>
      [...entries.values()].map(({ record, ledger, isOpen, startedAt, updatedAt, events }) => {
        const history = ledger.history()
        return {
          record,
          history: isOpen ? history : { ...history, trials: history.trials.map(afterDriver) },
          startedAt,
          updatedAt,
          events: () => [...events],
          attempts: () => [],
        }
      }),
    log: (study, event) => {
      entries.get(study)?.events.push({ ...event, at: clock.now() })
    },
    close: () => {
      for (const entry of entries.values()) entry.isOpen = false
    },
  }

  function create(record: StudyRecord): Entry {
    const at = clock.now()
    const entry = { record, ledger: createLedger(record, []), isOpen: false, startedAt: at, updatedAt: at, events: [] }
    entries.set(record.name, entry)
    return entry
  }

  function writer(entry: Entry): ReturnType<Store['open']> {
    const { ledger } = entry
    const touch = () => {
      entry.updatedAt = clock.now()
    }
    return {
      history: () => ledger.history(),
      start: (start) => {
        touch()
        if (ledger.history().trials.length === 0) entry.startedAt = entry.updatedAt
        return ledger.put(ledger.started(start.number ?? ledger.history().trials.length, start))
      },
      report: (number, report) => {
        touch()
        return ledger.put(ledger.reported(number, report))
      },
      finish: (number, outcome, seconds) => {
        touch()
        return ledger.put(ledger.finished(number, outcome, seconds))
      },
    }
  }
}
