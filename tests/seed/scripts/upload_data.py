"""Sends the images of each folder to the datalake and tags them."""
from config import EXTRA_TAGS, PARTS, connect, images

client = connect()
for part in PARTS:
    lake = client.get_datalake()
    data = lake.upload_data(filepaths=images(part))
    tags = [lake.get_or_create_data_tag(name=name) for name in (part, *EXTRA_TAGS)]
    data.add_tags(tags=tags)
