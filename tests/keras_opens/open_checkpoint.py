"""Trains a model of real Keras with `mica fit` and opens what that leaves: the checkpoint with real Keras, the event files of TensorBoard with
a reader of their published format (TFRecord framing with CRC-32C, protobuf fields)."""
import glob
import json
import os
import struct
import subprocess
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    with open(path, "rb") as file:
        content = file.read()
    at = 0
    while at < len(content):
        length = content[at:at + 8]
        (size,), (length_crc,) = struct.unpack("<Q", length), struct.unpack("<I", content[at + 8:at + 12])
        data = content[at + 12:at + 12 + size]
        (data_crc,) = struct.unpack("<I", content[at + 12 + size:at + 16 + size])
        assert length_crc == masked(length) and data_crc == masked(data), f"{path}: a checksum at byte {at}"
        yield data
        at += 16 + size


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of a protobuf message: integers, floats, bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack("<d", data[at:at + 8])[0], at + 8
        elif kind == 5:
            value, at = struct.unpack("<f", data[at:at + 4])[0], at + 4
        else:
            assert kind == 2, f"wire type {kind}"
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        yield number, value


def scalars(folder):
    """{tag: [value at each step]} of event.proto: an event's summary is 5; its values are 1, with tag 1 and simple_value 2."""
    values, tags = {}, set()
    for path in glob.glob(os.path.join(folder, "*tfevents*")):
        for record in records(path):
            summary = dict(fields(record)).get(5)
            for _, value in fields(summary) if summary else []:
                parts = dict(fields(value))
                tags.add(parts[1].decode())
                if 2 in parts:
                    values.setdefault(parts[1].decode(), []).append(parts[2])
    return values, tags


def main(mica, folder):
    def at(name):
        return os.path.join(folder, name)

    keras.utils.set_random_seed(3)
    inputs = keras.Input((5, 3), name="x")
    hidden = keras.layers.Bidirectional(keras.layers.GRU(4), name="both")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="y")(hidden))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    model.save(at("initial.keras"))
    rng = np.random.default_rng(1)
    np.savez(at("train.npz"), x=rng.normal(size=(20, 5, 3)).astype("float32"), y=rng.normal(size=(20, 1)).astype("float32"))
    with open(at("options.json"), "w") as file:
        json.dump({"fit": {"epochs": 3, "batch_size": 5},
                   "callbacks": [{"class": "TensorBoard", "config": {"log_dir": at("logs"), "histogram_freq": 1}}]}, file)
    subprocess.run([mica, "fit", at("initial.keras"), "--data", at("train.npz"), "--options", at("options.json"), "--checkpoint",
                    at("checkpoint.keras"), "--every", "1", "--history", at("history.json"), "--output", at("trained.keras"),
                    "--quiet"], check=True)
    subprocess.run([mica, "convert", at("checkpoint.keras"), at("checkpoint.npz"), "--with-optimizer"], check=True)

    opened = keras.saving.load_model(at("checkpoint.keras"))
    arrays = dict(np.load(at("checkpoint.npz")))
    expected = {weight.path: np.asarray(weight) for weight in opened.weights}
    expected |= {f"optimizer/{i}:{v.path}": np.asarray(v) for i, v in enumerate(opened.optimizer.variables)}
    assert arrays.keys() == expected.keys(), f"names {sorted(arrays.keys() ^ expected.keys())}"
    for name, value in expected.items():
        assert np.array_equal(arrays[name], value), f"{name} differs"
    assert int(opened.optimizer.iterations) == 12, opened.optimizer.iterations
    opened.fit(np.zeros((5, 5, 3)), np.zeros((5, 1)), verbose=0)  # and goes on

    with open(at("history.json")) as file:
        history = json.load(file)
    values, tags = scalars(at("logs/train"))
    assert values["epoch_loss"] == [np.float32(loss) for loss in history["loss"]], values
    assert {"keras", "y/kernel/histogram"} <= tags, tags
    print("keras opens a checkpoint of mica fit, and its event files read as published")


if __name__ == "__main__":
    main(*sys.argv[1:])
