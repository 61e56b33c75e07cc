"""Training steps of the benchmark suite against its peers, interleaved in one run.

    python3 -m venv build/bench-env && build/bench-env/bin/pip install -r ../shared/bench/requirements.txt
    build/bench-env/bin/python ../shared/bench/models.py mlp_mnist cnn_cifar lstm ticket resnet50
    cmake --build build --target train_step lazy_step
    build/bench-env/bin/python bench/compare_train.py [--rounds 3] [--rows mlp_mnist,lstm] [--peers torch,keras_jax]

A row trains the suite's `.keras` twin on the suite's batch and targets, with its optimizer; the peers are those of peers.py. A round runs each of
them in a process of its own; the figures are medians over rounds of the median step. The ratio of a row is the best peer's step over ours, that of
the table their geometric mean. mica_lazy is the row's network in PyTorch's loop of lazy values (lazy_step.cc). On a machine with other work, BENCH_PREFIX="chrt -r 1" keeps the rounds comparable.
"""
import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys

ENVIRONMENT = dict(os.environ)  # peers.py binds OpenMP's threads in its own, which ours would inherit
ROWS = {"mlp_mnist": "y=sparse_categorical_crossentropy:logits", "cnn_cifar": "y=sparse_categorical_crossentropy", "lstm": "y=mse",
        "ticket": "priority=binary_crossentropy,department=sparse_categorical_crossentropy", "resnet50": "y=sparse_categorical_crossentropy"}


def write_batch(arguments, row):
    """The suite's inputs and targets of the row's batch, as train_step reads them. Returns the file and the optimizer."""
    import numpy as np
    sys.path.insert(0, arguments.suite)
    import models
    import peers
    peers.FOLDER = arguments.models
    batch, optimizer = models.SUITE[row].train
    arrays = {f"x:{name}": value.astype("int32") if value.dtype == np.int64 else value
              for name, value in models.to_nhwc(models.make_inputs(row, {"N": batch})).items()}
    arrays |= {f"y:{name}": value for name, value in peers.targets(row, batch).items()}
    path = os.path.join(arguments.models, f"{row}_batch.npz")
    np.savez(path, **arrays)
    return path, optimizer


def run(command, arguments):
    environment = dict(ENVIRONMENT, MICA_NUM_THREADS=str(arguments.threads), BENCH_THREADS=str(arguments.threads))
    command = [*shlex.split(os.environ.get("BENCH_PREFIX", "")), *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    row = json.loads(lines[-1]) if lines else {}
    if "median_us" not in row:
        sys.exit(f"{' '.join(command)}: {row.get('failed') or done.stderr.strip() or 'no figure'}")
    return row["median_us"] / 1e3


def step_of(peer, row, batch, optimizer, arguments):
    if peer == "mica_lazy":  # the same network written as PyTorch's loop
        return run([os.path.join(arguments.build, "bench", "lazy_step"), "300"], arguments)
    if peer == "mica":
        step = os.path.join(arguments.build, "bench", "train_step")
        return run([step, os.path.join(arguments.models, f"{row}.keras"), batch, ROWS[row], optimizer], arguments)
    return run([sys.executable, os.path.join(arguments.suite, "peers.py"), "--model", row, "--peer", peer, "--task", "train", "--models", arguments.models],
               arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--build", default="build")
    parser.add_argument("--models", default="build/bench-models")
    parser.add_argument("--suite", default="../shared/bench")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--peers", default="torch,torch_compile,keras_jax,keras_tf")
    arguments = parser.parse_args()
    ratios = []
    for row in arguments.rows.split(","):
        batch, optimizer = write_batch(arguments, row)
        # torch.compile cannot train recurrent layers: peers.py says so.
        peers = [peer for peer in arguments.peers.split(",") if not (peer == "torch_compile" and row in ("lstm", "ticket"))]
        ours = ["mica", "mica_lazy"] if row == "mlp_mnist" else ["mica"]
        steps = {peer: [] for peer in [*ours, *peers]}
        for _ in range(arguments.rounds):
            for peer in steps:
                steps[peer].append(step_of(peer, row, batch, optimizer, arguments))
        medians = {peer: statistics.median(times) for peer, times in steps.items()}
        best = min(peers, key=medians.get)
        ratios.append(medians[best] / medians["mica"])
        print(f"{row}: " + ", ".join(f"{peer} {median:.2f} ms" for peer, median in medians.items()) + f"; {ratios[-1]:.2f}x {best}", flush=True)
    print(f"geometric mean {math.prod(ratios) ** (1 / len(ratios)):.2f}x")


if __name__ == "__main__":
    main()
