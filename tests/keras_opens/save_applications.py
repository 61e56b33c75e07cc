"""Saves the weights of networks of keras.applications with what they compute: <name>.weights.h5 and <name>.npz."""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "numpy")  # compiles nothing but convolutions
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
import keras
import numpy as np

SHAPE, CLASSES = (64, 64, 3), 10


def main(folder, names):
    rng = np.random.default_rng(7)
    for name in names:
        keras.utils.set_random_seed(1)
        model = getattr(keras.applications, name)(weights=None, input_shape=SHAPE, classes=CLASSES)
        for weight in model.weights:  # what starts as zeros or ones would hide a swap
            if weight.name in ("gamma", "beta", "bias", "moving_mean", "moving_variance"):
                weight.assign(weight + 0.2 * rng.uniform(-1, 1, weight.shape))
        image = rng.uniform(0, 1, (2, *SHAPE)).astype("float32")
        model.save_weights(os.path.join(folder, name + ".weights.h5"))
        np.savez(os.path.join(folder, name + ".npz"), image=image, output=np.asarray(model(image, training=False)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
