"""Makes an experiment of the project from the model, unless it is there, and attaches the training version."""
from config import DATASET, EXPERIMENT, EXPERIMENT_TEXT, MODEL, PROJECT, connect
from picsellia.exceptions import ResourceNotFoundError

client = connect()
project = client.get_project(project_name=PROJECT)
version = client.get_model(name=MODEL).get_version(version=0)
try:
    experiment = project.get_experiment(name=EXPERIMENT)
except ResourceNotFoundError:
    experiment = project.create_experiment(name=EXPERIMENT, description=EXPERIMENT_TEXT, base_model_version=version)
experiment.attach_dataset(name="train", dataset_version=client.get_dataset(name=DATASET).get_version(version="train"))
