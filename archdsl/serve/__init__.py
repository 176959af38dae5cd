"""Running exported models on pictures: reading, preparing, classifying.

Any ONNX file that classifies pictures will do. What archdsl exports says in its metadata how a
picture is prepared and what the classes are called; of other files that is inferred, or told by the
caller.
"""

from archdsl.ir.preprocess import Preprocess
from archdsl.serve.prediction import Label, Prediction, Predictions
from archdsl.serve.session import Session

__all__ = ["Label", "Prediction", "Predictions", "Preprocess", "Session"]
