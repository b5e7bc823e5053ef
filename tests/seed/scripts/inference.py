"""Asks the deployed model about each test image, with a source, a tag and what else is known."""
import json

import requests
from config import DEPLOYMENT, HOST, TOKEN, connect, images

deployment = connect().get_deployment(name=DEPLOYMENT)
login = requests.post(f"{HOST}/api/login", headers={"Authorization": f"Token {TOKEN}"},
                      data=json.dumps({"deployment_id": str(deployment.id), "api_token": TOKEN}))
login.raise_for_status()
for path in images("test"):
    with open(path, "rb") as file:
        answer = requests.post(f"{HOST}/api/deployment/{deployment.id}/predict", headers={"Authorization": f"Bearer {login.json()['jwt']}"},
                               data={"source": "line-1", "tag": "summer", "metadata": json.dumps({"camera": "north"})}, files={"media": file})
    answer.raise_for_status()
deployment.predict(images("valid")[0])
