"""Regrets of Optuna's default sampler on a table: optuna_side.py TABLE SEEDS COUNTS, by seed and count as JSON."""

import json
import struct
import sys
import warnings
from pathlib import Path

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

table, seeds, counts = sys.argv[1], int(sys.argv[2]), [int(count) for count in sys.argv[3].split(",")]
meta = json.loads(Path(f"{table}.json").read_text())
raw = Path(f"{table}.f32").read_bytes()
values = struct.unpack(f"<{len(raw) // 4}f", raw)
sign = 1 if meta["direction"] == "minimize" else -1
parameters = meta["hyperparameters"]


def repeats(row):
    own = values[row * meta["seeds"] : (row + 1) * meta["seeds"]]
    return [sign * value for value in own if value == value]


def mean(row):
    return sum(repeats(row)) / len(repeats(row)) if repeats(row) else float("inf")


lowest = min(mean(row) for row in range(meta["n"]))


def regrets(seed):
    rows = []

    def objective(trial):
        row = 0
        for parameter in parameters:
            choices = parameter["choices"]
            # An ordered parameter is a whole number to Optuna, as it is a place in its order to us.
            if parameter["ordinal"]:
                at = trial.suggest_int(parameter["name"], 0, len(choices) - 1)
            else:
                at = choices.index(trial.suggest_categorical(parameter["name"], choices))
            row = row * len(choices) + at
        own = repeats(row)
        loss = own[(seed * 7919 + row) % len(own)] if own else float("inf")
        rows.append((loss, mean(row)))
        return loss

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=max(counts))
    return [min(rows[:count])[1] - lowest for count in counts]


print(json.dumps([regrets(seed) for seed in range(seeds)]))
