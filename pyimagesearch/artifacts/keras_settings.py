"""What Keras's configuration file must not change about the networks of this project."""


def overrule_configuration() -> None:
    """Have Keras compute with images whose channels come last, and with at least 32 bits.

    ``~/.keras/keras.json`` may say otherwise, for the sake of other programs. Networks that ask for
    another precision themselves are built as they ask.
    """
    import keras

    keras.config.set_image_data_format("channels_last")
    # More bits are left to whoever wants to compare numbers; fewer would change probabilities.
    if keras.config.floatx() != "float64":
        keras.config.set_floatx("float32")
