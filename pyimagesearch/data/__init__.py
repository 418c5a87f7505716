"""From files on disk to arrays, and from arrays to batches.

Images are listed, decoded, labelled, checked for copies and split here, and stay 8-bit until they
are in a batch. Everything but `batches` works without TensorFlow.
"""
