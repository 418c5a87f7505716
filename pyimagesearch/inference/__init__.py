"""Prediction with a trained network: from image files to labels, in words, JSON or CSV.

Keras predicts with OpenVINO where that is installed, and with TensorFlow otherwise. Nothing here
imports TensorFlow or scikit-learn, so that classifying one image starts quickly.
"""
