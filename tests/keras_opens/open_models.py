"""Opens every <name>.keras of a folder with real Keras and compares with <name>.npz and <name>.json, what Mica computed
and configured."""
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "numpy")  # compiles nothing but convolutions
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np


def without_defaults(value):
    """Leaves out what Keras derives, nulls and what `training` is when nobody says: defaults that are written or not.
    Numbers are as exact as Keras keeps some of them, and a constant that was read as an array of NumPy is one of the backend's where
    that is NumPy itself."""
    if isinstance(value, (list, tuple)):
        return [without_defaults(item) for item in value]
    if isinstance(value, float):
        return float(np.float32(value))
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__tensor__":
        value = {**value, "class_name": "__numpy__"}
    derived = ("build_config", "compile_config", "shared_object_id", "training")
    return {key: without_defaults(item) for key, item in value.items() if key not in derived and item is not None}


def largest_difference(actual, expected):
    if actual.shape != expected.shape:
        return f"shape {actual.shape}, Mica {expected.shape}"
    difference = np.abs(actual.astype("float64") - expected.astype("float64")).max(initial=0)
    scale = max(1.0, np.abs(expected).max(initial=0))
    return None if difference <= 2e-5 * scale else f"outputs differ by {difference}"


def problem_of(folder, name):
    model = keras.saving.load_model(os.path.join(folder, name + ".keras"))
    arrays = np.load(os.path.join(folder, name + ".npz"))
    inputs = [arrays[f"input_{i}"] for i in range(len(model.inputs))]
    outputs = keras.tree.flatten(model(inputs[0] if len(inputs) == 1 else inputs))
    for i, output in enumerate(outputs):
        difference = largest_difference(np.asarray(output), arrays[f"output_{i}"])
        if difference:
            return difference
    with open(os.path.join(folder, name + ".json")) as file:
        written = without_defaults(json.load(file))
    read = without_defaults(json.loads(model.to_json()))
    return None if read == written else f"Keras' configuration differs:\n{json.dumps(read)}\nMica's:\n{json.dumps(written)}"


def main(folder):
    names = sorted(name[: -len(".keras")] for name in os.listdir(folder) if name.endswith(".keras"))
    failures = untested = 0
    for name in names:
        try:
            problem = problem_of(folder, name)
        except Exception as error:  # whatever Keras throws is the finding
            problem = f"{type(error).__name__}: {error}"
        if problem and "requires TensorFlow" in problem:
            untested += 1
            print(f"{name}: NOT TESTED: Keras has this layer with TensorFlow alone")
        elif problem:
            failures += 1
            print(f"{name}: {problem}")
    print(f"keras opens: {len(names) - failures - untested} of {len(names) - untested}")
    return 1 if failures or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
