"""The tutorial's own recipe on Keras 3, call by call: the baseline of this project.

    python benchmarks/tutorial.py train --dataset DIR
    python benchmarks/tutorial.py classify --image FILE [FILE ...]

Adrian Rosebrock, "Multi-label classification with Keras", PyImageSearch (2018). Every image is read
with cv2.imread into one list, which becomes one float64 array. ImageDataGenerator makes the
batches, and Adam's learning rate decays with time. Only what Keras 3 refuses is changed: names of
files, the name of the metric, and where ImageDataGenerator is imported from. Nothing is made faster
or slower.
"""

import argparse
import os
import pickle
import random
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

EPOCHS = 75
INIT_LR = 1e-3
BS = 32
IMAGE_DIMS = (96, 96, 3)


def parse_arguments() -> Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("task", choices=["train", "classify"])
    parser.add_argument("-d", "--dataset", default="dataset", help="folder of label folders")
    parser.add_argument("-i", "--image", nargs="+", default=[], help="files to classify")
    parser.add_argument("-m", "--model", default="tutorial.keras", help="the network's file")
    parser.add_argument("-l", "--labelbin", default="tutorial_mlb.pickle", help="the label file")
    parser.add_argument("-p", "--plot", default="tutorial_plot.png", help="the training curves")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="how often to see each image")
    return parser.parse_args()


def main() -> None:
    """Train or classify."""
    args = parse_arguments()
    {"train": train, "classify": classify}[args.task](args)


def train(args: Namespace) -> None:
    """Do what the tutorial's train.py does."""
    import numpy as np
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import MultiLabelBinarizer
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    data, labels = load_images(args.dataset)
    data = np.array(data, dtype="float") / 255.0
    labels = np.array(labels)
    print(f"[INFO] data matrix: {len(data)} images", flush=True)

    mlb = MultiLabelBinarizer()
    labels = mlb.fit_transform(labels)
    train_x, test_x, train_y, test_y = train_test_split(
        data, labels, test_size=0.2, random_state=42
    )
    augmentation = ImageDataGenerator(
        rotation_range=25,
        width_shift_range=0.1,
        height_shift_range=0.1,
        shear_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
    )

    print("[INFO] compiling model...", flush=True)
    model = compiled_network(classes=len(mlb.classes_))

    print("[INFO] training network...", flush=True)
    # The tutorial's steps_per_epoch is one less than the number of batches. Keras 3 would train
    # every second epoch on the one batch that is left, so all batches are used.
    history = model.fit(
        augmentation.flow(train_x, train_y, batch_size=BS),
        validation_data=(test_x, test_y),
        epochs=args.epochs,
        verbose=2,
    ).history

    print("[INFO] serializing network...", flush=True)
    model.save(args.model)
    print("[INFO] serializing label binarizer...", flush=True)
    Path(args.labelbin).write_bytes(pickle.dumps(mlb))
    plot_curves(history, args.plot)


def load_images(dataset: str) -> tuple[Any, Any]:
    """Read all images in random order, and take their labels from the names of their folders."""
    import cv2
    from imutils import paths
    from keras.utils import img_to_array

    # What loads images is timed from here on, without the imports.
    print("[INFO] loading images...", flush=True)
    image_paths = sorted(paths.list_images(dataset))
    random.seed(42)
    random.shuffle(image_paths)
    data, labels = [], []
    for image_path in image_paths:
        image = cv2.imread(image_path)
        if image is None:  # The tutorial's cv2.resize would end the run here.
            continue
        image = cv2.resize(image, (IMAGE_DIMS[1], IMAGE_DIMS[0]))
        image = img_to_array(image)
        data.append(image)
        labels.append(image_path.split(os.path.sep)[-2].split("_"))
    return data, labels


def compiled_network(*, classes: int, image_size: int = IMAGE_DIMS[0]) -> Any:
    """Build the network with the tutorial's batch normalisation, loss and optimizer."""
    import keras

    from pyimagesearch.smallervggnet import SmallerVGGNet

    model = SmallerVGGNet.build(
        width=image_size,
        height=image_size,
        depth=IMAGE_DIMS[2],
        classes=classes,
        finalAct="sigmoid",
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99  # Keras's default, which the tutorial uses.
    # Keras 2 wrote this as Adam(lr=INIT_LR, decay=INIT_LR / EPOCHS).
    learning_rate = keras.optimizers.schedules.InverseTimeDecay(INIT_LR, 1, INIT_LR / EPOCHS)
    model.compile(
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adam(learning_rate),
        metrics=["binary_accuracy"],
    )
    return model


def plot_curves(history: dict[str, list[float]], path: str) -> None:
    """Draw loss and accuracy of each epoch."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    plt.style.use("ggplot")
    plt.figure()
    for name, values in history.items():
        plt.plot(np.arange(0, len(values)), values, label=name)
    plt.title("Training Loss and Accuracy")
    plt.xlabel("Epoch #")
    plt.ylabel("Loss/Accuracy")
    plt.legend(loc="upper left")
    plt.savefig(path)


def classify(args: Namespace) -> None:
    """Do what the tutorial's classify.py does, for one image after the other."""
    import cv2
    import numpy as np
    from keras.models import load_model
    from keras.utils import img_to_array

    print("[INFO] loading network...", flush=True)
    model = load_model(args.model)
    mlb = pickle.loads(Path(args.labelbin).read_bytes())

    for image_path in args.image:
        image: Any = cv2.imread(image_path)
        image = cv2.resize(image, (96, 96))
        image = image.astype("float") / 255.0
        image = img_to_array(image)
        image = np.expand_dims(image, axis=0)
        print("[INFO] classifying image...", flush=True)
        probabilities = model.predict(image, verbose=0)[0]
        for label, probability in zip(mlb.classes_, probabilities, strict=True):
            print(f"{label}: {probability * 100:.2f}%", flush=True)


if __name__ == "__main__":
    main()
