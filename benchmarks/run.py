#!/usr/bin/env python3
"""Measures one Supervisor installation, or two against each other.

    python benchmarks/run.py --ours BIN_DIR [--other BIN_DIR] [--only NAME,NAME] [--quick] [--reps N] [--json FILE]

BIN_DIR holds supervisord and supervisorctl. The two run each metric in turn (A B, B A, ...); figures are medians, and
the ratio is the median of the ratios of runs that stood side by side, turned so that above 1 `ours` is better.
Interrupting it cleans up and prints what there is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import signal
import statistics
import sys
import time

import metrics
from harness import BenchError, Install

# Metrics whose cost is to be seen in relation to the number of programs.
_GROWING = ("idle", "memory", "rpc", "start", "shutdown")


class Sizes:
    """How much work is done; --quick shrinks it."""

    def __init__(self, quick):
        self.programs = (1, 50, 200) if quick else (1, 200, 1000)
        self.idle_programs = (20, 200) if quick else (100, 1000)
        self.idle_seconds = 5 if quick else 20
        self.churn = 500 if quick else 5000
        self.kills, self.kill_seconds = (20, 8) if quick else (200, 40)
        self.storm_seconds = 3 if quick else 10
        self.log_mb = 100 if quick else 500
        self.calls = 500 if quick else 3000
        self.events = 500 if quick else 2000
        self.limit = 120 if quick else 300


def ratio(key, other, ours):
    """Above 1 ours is better. Keys that end in + name rates."""
    if key.endswith("+"):
        other, ours = ours, other
    if ours <= 0:
        return 1.0 if other <= 0 else math.inf
    return other / ours


def growth(figures):
    """Exponent of cost between the two larger N, for every figure that has N."""
    out, by = {}, {}
    for (metric, key), value in figures.items():
        numbers = re.findall(r"(?:N=|^)(\d+)", key)
        if numbers and metric in _GROWING and not key.endswith("+"):
            by.setdefault((metric, re.sub(r"(N=|^)\d+", r"\1N", key)), {})[int(numbers[0])] = value
    for name, at in by.items():
        sizes = sorted(at)[-2:]
        if len(sizes) == 2 and sizes[0] >= 20 and at[sizes[0]] > 0 and at[sizes[1]] > 0:
            out[name] = math.log(at[sizes[1]] / at[sizes[0]]) / math.log(sizes[1] / sizes[0])
    return out


def shown(number):
    return "0" if number == 0 else f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def machine():
    """One line about where this runs."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, {os.cpu_count()} processors"
    return (f"{system}, Python {platform.python_version()}, "
            f"{time.strftime('%Y-%m-%d %H:%M')}, load {load}")


def measure(names, installs, reps, sizes, save, samples, errors):
    for name in names:
        for rep in range(reps):
            for install in installs if rep % 2 == 0 else installs[::-1]:
                print(f"# {name} {rep + 1}/{reps} {install.name}", file=sys.stderr, flush=True)
                try:
                    got = metrics.ALL[name](install, sizes)
                except (BenchError, OSError) as why:
                    errors.append(f"{install.name} {name}: {why}")
                    print("  " + errors[-1], file=sys.stderr, flush=True)
                    continue
                for key, value in got.items():
                    samples.setdefault((name, key), {}).setdefault(install.name, []).append(value)
                save()


def report(samples, names):
    both = len(names) == 2
    print("| metric | figure | " + " | ".join(names) + (" | ratio |" if both else " |"))
    print("|---" * (2 + len(names) + both) + "|")
    for (metric, key), got in samples.items():
        row = [shown(statistics.median(got[name])) if name in got else "" for name in names]
        if both:
            pairs = [ratio(key, *pair) for pair in zip(got.get("other", []), got.get("ours", []), strict=False)]
            row.append(f"{statistics.median(pairs):.2f}" if pairs else "")
        print(f"| {metric} | {key} | " + " | ".join(row) + " |")
    for name in names:
        rows = growth({key: statistics.median(got[name]) for key, got in samples.items() if name in got})
        if rows:
            print(f"\n{name}: growth exponent between the two larger N (1 = linear)\n")
            for (metric, key), exponent in rows.items():
                print(f"- {metric} {key}: {exponent:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", required=True, help="bin directory of an installation")
    parser.add_argument("--other", help="bin directory of the one to compare with")
    parser.add_argument("--only", help="comma separated metrics: " + ", ".join(metrics.ALL))
    parser.add_argument("--json", help="write every sample here")
    parser.add_argument("--quick", action="store_true", help="small sizes, one pass")
    parser.add_argument("--reps", type=int, help="passes (default 3, quick 1)")
    args = parser.parse_args()
    installs = [Install(name, folder) for name, folder in (("other", args.other), ("ours", args.ours)) if folder]
    names = args.only.split(",") if args.only else list(metrics.ALL)
    unknown = set(names) - set(metrics.ALL)
    if unknown:
        parser.error("no such metric: " + ", ".join(sorted(unknown)))
    samples, errors, where = {}, [], machine()

    def save():
        if args.json:
            rows = [[metric, key, values] for (metric, key), values in samples.items()]
            with open(args.json, "w") as file:
                json.dump({"machine": where, "errors": errors, "samples": rows}, file, indent=1)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        measure(names, installs, args.reps or (1 if args.quick else 3), Sizes(args.quick), save, samples, errors)
    except KeyboardInterrupt:
        errors.append("interrupted")
    save()
    print(f"{where}, {machine().rpartition('load ')[2]} at the end\n")
    report(samples, [install.name for install in installs])
    if errors:
        print("\nerrors:\n" + "\n".join(errors))


if __name__ == "__main__":
    main()
