"""Prediction with a trained network: from image files to labels, in words, JSON or CSV.

OpenVINO predicts with SmallerVGGNet's layers, and Keras with all others. Nothing here imports
Keras, TensorFlow or scikit-learn before it must, so that classifying one image starts quickly.
"""
