"""The tutorial's own recipe, call by call, on Keras 3: what this project is measured against.

Adrian Rosebrock, "Multi-label classification with Keras", PyImageSearch (2018). Every image is read
with cv2.imread into one list, which becomes one array of float64; ImageDataGenerator makes the
batches; Adam's learning rate decays with time. Only what Keras 3 refuses is changed: the names of
the files, the metric's name, and where ImageDataGenerator is imported from. Nothing is made faster,
nothing slower.

    python benchmarks/tutorial.py train --dataset DIR
    python benchmarks/tutorial.py classify --image FILE [FILE ...]
"""

import argparse
import os
import pickle
import random
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

EPOCHS = 75
INIT_LR = 1e-3
BS = 32
IMAGE_DIMS = (96, 96, 3)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("task", choices=["train", "classify"])
    parser.add_argument("-d", "--dataset", default="dataset")
    parser.add_argument("-i", "--image", nargs="+")
    parser.add_argument("-m", "--model", default="tutorial.keras")
    parser.add_argument("-l", "--labelbin", default="tutorial_mlb.pickle")
    parser.add_argument("-p", "--plot", default="tutorial_plot.png")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    return parser.parse_args()


def train(args: argparse.Namespace) -> None:
    """Do what the tutorial's train.py does."""
    import cv2
    import keras
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np
    from imutils import paths
    from keras.utils import img_to_array
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import MultiLabelBinarizer
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    from pyimagesearch.smallervggnet import SmallerVGGNet

    print("[INFO] loading images...", flush=True)
    image_paths = sorted(paths.list_images(args.dataset))
    random.seed(42)
    random.shuffle(image_paths)
    data = []
    labels = []
    for image_path in image_paths:
        image = cv2.imread(image_path)
        if image is None:  # cv2.resize would end the run here
            continue
        image = cv2.resize(image, (IMAGE_DIMS[1], IMAGE_DIMS[0]))
        image = img_to_array(image)
        data.append(image)
        labels.append(image_path.split(os.path.sep)[-2].split("_"))
    data = np.array(data, dtype="float") / 255.0
    labels = np.array(labels)
    print(f"[INFO] data matrix: {len(image_paths)} images", flush=True)

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
    model = SmallerVGGNet.build(
        width=IMAGE_DIMS[1],
        height=IMAGE_DIMS[0],
        depth=IMAGE_DIMS[2],
        classes=len(mlb.classes_),
        finalAct="sigmoid",
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99  # Keras's default, which the tutorial's network has
    # Keras 2's Adam(lr=INIT_LR, decay=INIT_LR / EPOCHS).
    learning_rate = keras.optimizers.schedules.InverseTimeDecay(INIT_LR, 1, INIT_LR / EPOCHS)
    model.compile(
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adam(learning_rate),
        metrics=["binary_accuracy"],
    )

    print("[INFO] training network...", flush=True)
    # Without the tutorial's steps_per_epoch, which is one less than there are batches: with Keras 3
    # the one left over is all that every second epoch would then train on.
    history = model.fit(
        augmentation.flow(train_x, train_y, batch_size=BS),
        validation_data=(test_x, test_y),
        epochs=args.epochs,
        verbose=2,
    ).history

    print("[INFO] serializing network...", flush=True)
    model.save(args.model)
    print("[INFO] serializing label binarizer...", flush=True)
    with open(args.labelbin, "wb") as file:  # noqa: PTH123
        file.write(pickle.dumps(mlb))
    plt.style.use("ggplot")
    plt.figure()
    for name, values in history.items():
        plt.plot(np.arange(0, args.epochs), values, label=name)
    plt.title("Training Loss and Accuracy")
    plt.xlabel("Epoch #")
    plt.ylabel("Loss/Accuracy")
    plt.legend(loc="upper left")
    plt.savefig(args.plot)


def classify(args: argparse.Namespace) -> None:
    """Do what the tutorial's classify.py does, for each image in turn."""
    import cv2
    import numpy as np
    from keras.models import load_model
    from keras.utils import img_to_array

    print("[INFO] loading network...", flush=True)
    model = load_model(args.model)
    with open(args.labelbin, "rb") as file:  # noqa: PTH123
        mlb = pickle.loads(file.read())

    for image_path in args.image:
        image = cv2.imread(image_path)
        image = cv2.resize(image, (96, 96))
        image = image.astype("float") / 255.0
        image = img_to_array(image)
        image = np.expand_dims(image, axis=0)
        print("[INFO] classifying image...", flush=True)
        probabilities = model.predict(image, verbose=0)[0]
        for label, probability in zip(mlb.classes_, probabilities, strict=True):
            print(f"{label}: {probability * 100:.2f}%", flush=True)


if __name__ == "__main__":
    arguments = parse_arguments()
    {"train": train, "classify": classify}[arguments.task](arguments)
