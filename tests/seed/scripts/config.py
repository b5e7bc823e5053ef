"""Where the server is and what is to be called how. Everything comes from the surroundings, so that the scripts stay as they are."""
import os
from importlib.metadata import version
from pathlib import Path

from picsellia import Client
from picsellia.types.enums import Framework, InferenceType

OLD = version("picsellia").startswith("6.1.")  # the client that describes models by themselves, not by their versions
HOST, TOKEN, ORGANIZATION = os.environ["SEED_HOST"], os.environ["SEED_TOKEN"], os.environ["SEED_ORGANIZATION"]
FOLDER = Path(os.environ["SEED_FOLDER"])  # train, test and valid, each with images; coco-PART.json beside them; model/ with files
PARTS = ("train", "test", "valid")
EXTRA_TAGS = ("Cartons", "été")
DATASET, DATASET_TEXT = "cartons", "boxes on a line"
TYPE = InferenceType.OBJECT_DETECTION
LABELS = tuple(os.environ["SEED_LABELS"].split(","))
MODEL, MODEL_TEXT, FRAMEWORK = "custom-model", "weights of our own", Framework.TENSORFLOW
PARAMETERS = {"batch_size": 8, "learning_rate": 0.01, "words": ["a", "é"]}
PROJECT, EXPERIMENT, EXPERIMENT_TEXT = "line-control", "first try", "with the custom model"
DEPLOYMENT = "energetic-cave"


def connect():
    return Client(api_token=TOKEN, organization_name=ORGANIZATION, host=HOST)


def images(part):
    return sorted(str(p) for p in (FOLDER / part).iterdir())
