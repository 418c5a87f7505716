"""What a training run tells people: metrics, messages on the console, a JSON report, pictures.

Everything is computed from the dataset, the training history and the predictions for the test
images, and nothing here prints. Also draws the labels on a classified image.
"""
