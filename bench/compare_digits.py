"""The training step of the digits example against PyTorch eager, interleaved in one run.

    python3 -m venv build/bench-env && build/bench-env/bin/pip install torch numpy
    cmake --build build --target digits_step
    build/bench-env/bin/python bench/compare_digits.py [--rounds 5] [--threads 2]

Both train the same network on the same shapes (batch 128, dropout 0.5, Adam). A round runs each peer in a process of its own; the figures are
medians over rounds of the median step, and their ratio. On a machine with other work, BENCH_PREFIX="chrt -r 1" keeps the rounds comparable.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

PEERS = ("mica", "torch", "torch_channels_last")


def torch_step(channels_last, threads, steps=40, warm_up=10):
    import torch
    from torch import nn
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))
    images, labels = torch.rand(128, 1, 28, 28), torch.randint(0, 10, (128,))
    if channels_last:
        net, images = net.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    times = []
    for i in range(warm_up + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        if i >= warm_up:
            times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"median_ms": statistics.median(times), "min_ms": min(times)}))


def run(peer, arguments):
    prefix = shlex.split(os.environ.get("BENCH_PREFIX", ""))
    if peer == "mica":
        command = [os.path.join(arguments.build, "bench", "digits_step")]
    else:
        command = [sys.executable, __file__, "--peer", peer, "--threads", str(arguments.threads)]
    environment = dict(os.environ, MICA_NUM_THREADS=str(arguments.threads))
    line = subprocess.run(prefix + command, env=environment, check=True, capture_output=True, text=True).stdout
    return json.loads(line.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--build", default="build")
    parser.add_argument("--peer", choices=PEERS[1:], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return torch_step(arguments.peer.endswith("channels_last"), arguments.threads)
    medians = {peer: [] for peer in PEERS}
    for round_number in range(arguments.rounds):
        for peer in PEERS:
            medians[peer].append(run(peer, arguments)["median_ms"])
        print(f"round {round_number + 1}: " + ", ".join(f"{peer} {medians[peer][-1]:.2f} ms" for peer in PEERS), flush=True)
    ours = statistics.median(medians["mica"])
    for peer in PEERS[1:]:
        theirs = statistics.median(medians[peer])
        print(f"{peer}: {theirs:.2f} ms a step, mica {ours:.2f} ms: {theirs / ours:.2f}x")


if __name__ == "__main__":
    main()
