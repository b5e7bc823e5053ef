"""kserve_asks.py HOST MODEL TOKEN IMAGE: what KServe's own client makes of a deployment, as one JSON object. Run in an environment with kserve, which
is too heavy for every check (test_inference.py says how)."""
import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


async def main(host, model, token, image):
    head = {"Authorization": f"Bearer {token}"}
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as c:
        said = {"live": await c.is_server_live(host), "ready": await c.is_server_ready(host), "model": await c.is_model_ready(host, model, headers=head),
                "nothing": await c.is_model_ready(host, "nothing", headers=head)}
        picture = InferInput("image", [1], "BYTES")
        picture.set_data_from_numpy(np.array([open(image, "rb").read()], dtype=object), binary_data=True)
        r = await c.infer(host, InferRequest(model, [picture]), model, headers=dict(head))
        said["image"] = {o.name: o.shape for o in r.outputs}
        for binary in (True, False):
            t = InferInput("images", [1, 3, 128, 160], "FP32")
            t.set_data_from_numpy(np.full([1, 3, 128, 160], 0.5, np.float32), binary_data=binary)
            r = await c.infer(host, InferRequest(model, [t]), model, headers=dict(head))
            said["binary" if binary else "json"] = {o.name: np.asarray(o.as_numpy()).round(4).ravel()[:8].tolist() for o in r.outputs}
    print(json.dumps(said))


asyncio.run(main(*sys.argv[1:]))
