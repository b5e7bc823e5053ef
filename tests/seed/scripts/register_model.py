"""Registers a model of one's own with its labels, parameters and files."""
from config import FOLDER, FRAMEWORK, LABELS, MODEL, MODEL_TEXT, OLD, PARAMETERS, TYPE, connect

client = connect()
about = dict(labels={str(k): name for k, name in enumerate(LABELS)}, base_parameters=PARAMETERS)
if OLD:
    version = client.create_model(name=MODEL, description=MODEL_TEXT, type=TYPE, framework=FRAMEWORK).create_version(**about)
else:
    version = client.create_model(name=MODEL, description=MODEL_TEXT).create_version(type=TYPE, framework=FRAMEWORK, **about)
for file in sorted((FOLDER / "model").iterdir()):
    version.store(name=file.stem, path=str(file))
