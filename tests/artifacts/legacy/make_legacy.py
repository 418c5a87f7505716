"""Make the small models of older Kerases that the tests read: run with TensorFlow 2.15.

    python -m venv tf215 && tf215/bin/pip install tensorflow==2.15.1
    tf215/bin/python tests/artifacts/legacy/make_legacy.py tests/artifacts/legacy

writes tutorial.model (HDF5), saved_model/ and keras2.keras, all of one network, and
predictions.json, with an image and the network's prediction for it.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

folder = Path(sys.argv[1])
tf.keras.utils.set_random_seed(7)


def convolution(filters):
    return [
        layers.Conv2D(filters, (3, 3), padding="same"),
        layers.Activation("relu"),
        layers.BatchNormalization(axis=-1),
    ]


# SmallerVGGNet with a tenth of its filters.
model = tf.keras.Sequential(
    [
        layers.Conv2D(3, (3, 3), padding="same", input_shape=(24, 24, 3)),
        layers.Activation("relu"),
        layers.BatchNormalization(axis=-1),
        layers.MaxPooling2D(pool_size=(3, 3)),
        layers.Dropout(0.25),
        *convolution(6),
        *convolution(6),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Dropout(0.25),
        *convolution(12),
        *convolution(12),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(32),
        layers.Activation("relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Dense(6),
        layers.Activation("sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
images = np.random.default_rng(0).random((64, 24, 24, 3)).astype("float32")
model.fit(images, np.random.default_rng(1).integers(0, 2, (64, 6)), epochs=3, verbose=0)

model.save(folder / "tutorial.model", save_format="h5")
model.save(folder / "saved_model", save_format="tf")
model.save(folder / "keras2.keras")
image = np.random.default_rng(2).integers(0, 256, (24, 24, 3))
prediction = model.predict(image[None] / 255.0, verbose=0)[0]
record = {"image": image.tolist(), "probabilities": prediction.tolist()}
(folder / "predictions.json").write_text(json.dumps(record))
