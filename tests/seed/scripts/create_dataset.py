"""Makes a dataset with a version for each part, filled from the datalake by tags, with its type and labels."""
from config import DATASET, DATASET_TEXT, LABELS, PARTS, TYPE, connect
from picsellia.exceptions import ResourceNotFoundError

client = connect()
for part in PARTS:
    try:
        dataset = client.get_dataset(name=DATASET)
    except ResourceNotFoundError:
        dataset = client.create_dataset(name=DATASET, description=DATASET_TEXT)
    try:
        version = dataset.get_version(version=part)
    except ResourceNotFoundError:
        version = dataset.create_version(version=part, description=f"for {part}")
    found = client.get_datalake().list_data(tags=[part])
    version.add_data(data=found).wait_for_done()
    version.set_type(type=TYPE)
    for name in LABELS:
        version.get_or_create_label(name=name)
