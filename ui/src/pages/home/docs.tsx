// A short guide inside the program: works without a network, names the commands and the API.
import { Link } from "wouter";
import { Head } from "../../kit/head";
import { showKeys } from "../../kit/keys";
import { CopyBlock, Kbd, Section } from "../../kit/parts";
import { Button } from "@mantine/core";

export default function Docs() {
  const host = location.origin;
  return (
    <div className="page">
      <Head crumbs={[{ text: "Docs" }]} />
      <div className="body">
        <div style={{ maxWidth: 760, lineHeight: 1.6 }}>
          <Section title="The loop">
            <p style={{ marginTop: 0 }}>
              Images lie once in the <Link href="/datalake">datalake</Link>. A <Link href="/datasets">dataset version</Link> holds some of them with labels and annotations. An experiment in a{" "}
              <Link href="/projects">project</Link> trains a network on attached versions; exported, it is the next version of a <Link href="/models">model</Link>. A{" "}
              <Link href="/deployments">deployment</Link> serves a champion (and a shadow beside it), keeps what it predicted, and sends reviewed predictions back into a dataset version. Enough of them
              train the next model version by themselves.
            </p>
          </Section>
          <Section title="The query language">
            <p style={{ marginTop: 0 }}>
              Every list with a query bar takes conditions joined by <code>and</code>, <code>or</code> and <code>not</code>. Press <Kbd>/</Kbd> and let it complete: fields, then operators, then values.
            </p>
            <CopyBlock text={'tags.name = "train" and width >= 640\nfilename startswith "line-3" or created_at ~ "2026-11"\nannotations.rectangles.label.name in ("RBC", "WBC")\nnot tags.name = "checked"'} />
          </Section>
          <Section title="Python client">
            <p style={{ marginTop: 0 }}>The published client talks to this server unchanged; make a token under <Link href="/settings?tab=tokens">Settings, API tokens</Link>.</p>
            <CopyBlock text={`from picsellia import Client\n\nclient = Client(api_token="…", organization_name="default", host="${host}")\nlake = client.get_datalake()\nlake.upload_data(filepaths=["image.jpg"], tags=["train"])`} />
          </Section>
          <Section title="Predict by HTTP">
            <CopyBlock text={`JWT=$(curl -s ${host}/api/login -d '{"api_token": "…", "deployment_id": "…"}' | jq -r .jwt)\ncurl -H "Authorization: Bearer $JWT" -F media=@image.jpg -F source=line-1 ${host}/api/deployment/…/predict`} />
          </Section>
          <Section title="Train on your own machine">
            <p style={{ marginTop: 0 }}>The tab Launch of an experiment shows this with its id filled in.</p>
            <CopyBlock text={`saccade train --host ${host} --token … --experiment …`} />
          </Section>
          <Section title="More">
            <p style={{ marginTop: 0 }}>
              The whole API is described at <a href="/api/openapi.json">/api/openapi.json</a>. <Kbd>?</Kbd> lists the keys of the page you are on.
            </p>
            <Button variant="default" onClick={showKeys}>
              Show the keys
            </Button>
          </Section>
        </div>
      </div>
    </div>
  );
}
