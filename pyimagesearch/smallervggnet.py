"""SmallerVGGNet: the tutorial's small VGG-style convolutional network."""

import keras
from keras import layers

# Keras's default of 0.99 averages over about a hundred steps. After a dozen epochs such an average
# still lags behind the weights, and the test results swing.
BN_MOMENTUM = 0.95


class SmallerVGGNet:
    """The namespace of :meth:`build`, under the name that readers of the tutorial import."""

    @staticmethod
    def build(  # noqa: PLR0917 (the tutorial's signature)
        width: int,
        height: int,
        depth: int,
        classes: int,
        finalAct: str = "softmax",  # the tutorial's spelling
    ) -> keras.Sequential:
        """Build the network, not compiled, from plain Keras layers.

        Three blocks of one, two and two convolutions, each followed by pooling and dropout, and a
        fully connected head. The layout comes from Simonyan and Zisserman, "Very Deep Convolutional
        Networks for Large-Scale Image Recognition" (2014). Adrian Rosebrock made it smaller for
        "Multi-label classification with Keras" (PyImageSearch, 2018).

        Parameters
        ----------
        width, height : int
            Size of the input images in pixels, each at least 12, since pooling divides both by 12.
        depth : int
            Number of channels of the input images: 3 for colour, 1 for grey.
        classes : int
            Number of labels, the width of the output.
        finalAct : str
            Activation of the output: ``"sigmoid"`` for multi-label classification, where each label
            has its own probability, or ``"softmax"`` for a single label.

        Returns
        -------
        keras.Sequential
            Takes float32 images in [0, 1] of shape (N, height, width, depth), or of shape
            (N, depth, height, width) if Keras's image data format is ``"channels_first"``. Returns
            float32 probabilities of shape (N, classes).
        """
        channels_first = keras.config.image_data_format() == "channels_first"
        input_shape = (depth, height, width) if channels_first else (height, width, depth)
        # Batch normalisation keeps a mean and a variance for each channel.
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
