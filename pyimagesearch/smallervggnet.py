"""SmallerVGGNet: the tutorial's small VGG-style convolutional network."""

import keras
from keras import layers

# How much of its moving averages batch normalisation keeps at each step. With Keras's 0.99 they lag
# a hundred steps behind, and a network trained for a dozen epochs is tested with averages that are
# not its own.
BN_MOMENTUM = 0.95


class SmallerVGGNet:
    """A namespace for :meth:`build`; a class because that is what the tutorial's readers import."""

    @staticmethod
    def build(
        width: int, height: int, depth: int, classes: int, finalAct: str = "softmax"
    ) -> keras.Sequential:
        """Build the network, uncompiled, out of plain Keras layers.

        Three convolutional blocks of one, two and two convolutions, each of which ends in a pooling
        layer and dropout, and a fully connected head. The layout follows Simonyan and Zisserman,
        "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014), made smaller by
        Adrian Rosebrock for "Multi-label classification with Keras" (PyImageSearch, 2018).

        Parameters
        ----------
        width, height : int
            Size of the input images in pixels. Both at least 12: the pooling layers divide by 3, 2
            and 2.
        depth : int
            Number of channels of the input images (3 for colour, 1 for grey).
        classes : int
            Number of labels, the width of the output.
        finalAct : str
            Activation of the output: ``"sigmoid"`` for multi-label classification, where every
            label has a probability of its own, ``"softmax"`` for single-label classification.

        Returns
        -------
        keras.Sequential
            Takes float32 images of shape (N, height, width, depth), or (N, depth, height, width)
            where Keras's image data format is ``"channels_first"``, scaled to [0, 1], and returns
            float32 of shape (N, classes).
        """
        channels_first = keras.config.image_data_format() == "channels_first"
        input_shape = (depth, height, width) if channels_first else (height, width, depth)
        # Batch normalisation keeps one mean and one variance a channel, wherever the channels are.
        channel_axis = 1 if channels_first else -1

        def convolution(filters: int) -> list[layers.Layer]:
            return [
                layers.Conv2D(filters, (3, 3), padding="same"),
                layers.Activation("relu"),
                layers.BatchNormalization(axis=channel_axis, momentum=BN_MOMENTUM),
            ]

        return keras.Sequential(
            [
                layers.Input(input_shape),
                *convolution(32),
                layers.MaxPooling2D(pool_size=(3, 3)),
                layers.Dropout(0.25),
                *convolution(64),
                *convolution(64),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Dropout(0.25),
                *convolution(128),
                *convolution(128),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Dropout(0.25),
                layers.Flatten(),
                layers.Dense(1024),
                layers.Activation("relu"),
                layers.BatchNormalization(momentum=BN_MOMENTUM),
                layers.Dropout(0.5),
                layers.Dense(classes),
                layers.Activation(finalAct),
            ]
        )
