"""The files that training leaves and classification reads: the model file and the label file.

What other people wrote, with any Keras or scikit-learn since 2018, is read as well. Every file is
read as data: nothing in it is run, and it is checked before memory is taken for what it describes.
"""
