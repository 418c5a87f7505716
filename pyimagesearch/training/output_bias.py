"""What is added to the logits of a network, where a correction of its probabilities goes."""

import keras


def output_bias(model: keras.Sequential) -> keras.Variable:
    """Find what is added to the logits of a network.

    Heat maps need the logits themselves: what goes into the last layer.

    Parameters
    ----------
    model : keras.Sequential
        Any.

    Returns
    -------
    keras.Variable
        The bias of the Dense layer before the last Activation.

    Raises
    ------
    TypeError
        If the network does not end in these two.
    """
    if not (isinstance(model, keras.Sequential) and model.built):
        raise TypeError("the network must be a keras.Sequential that begins with an Input")
    dense, activation = [None, *model.layers][-2:]
    if (
        isinstance(dense, keras.layers.Dense)
        and dense.use_bias
        and dense.activation is keras.activations.linear
        and isinstance(activation, keras.layers.Activation)
    ):
        return dense.bias
    raise TypeError(
        "the network must end in a Dense layer with a bias and no activation, and an Activation"
    )
