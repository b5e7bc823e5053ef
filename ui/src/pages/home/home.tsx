// Home: what is going on. An empty instance shows the loop as steps, each a link that does it.
import { Progress, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { count, countOf, percent, plural, scoreName } from "../../kit/format";
import { Head } from "../../kit/head";
import { IconArrowRight, IconBox, IconCheck, IconDatabase, IconFlask, IconPhoto, IconRocket } from "../../kit/icons";
import { Cut, Fault, Section, Status, Time } from "../../kit/parts";
import { placeOf, wordsOf } from "../job/name";
import { thumbnail, useHome } from "./data";

const steps = [
  { title: "Bring images", says: "Upload them to the datalake: drop files or folders, give them tags.", to: "/datalake", icon: IconDatabase },
  { title: "Make a dataset and annotate", says: "Choose images, make a version, draw boxes or import COCO, VOC or YOLO files.", to: "/datasets", icon: IconPhoto },
  { title: "Train", says: "Start an experiment from a model of the hub and watch its curves.", to: "/projects", icon: IconFlask },
  { title: "Deploy", says: "Export the experiment as a model and serve it with a threshold.", to: "/models", icon: IconBox },
  { title: "Review and close the loop", says: "Correct predictions; enough of them train the next version by themselves.", to: "/deployments", icon: IconRocket },
] as const;

function Steps({ done }: { done: readonly boolean[] }) {
  const next = done.findIndex((d) => !d);
  return (
    <ol style={{ listStyle: "none", margin: 0, padding: 0, maxWidth: 720 }}>
      {steps.map((s, i) => {
        const here = i === next;
        return (
          <li key={s.to} style={{ display: "grid", gridTemplateColumns: "34px 1fr", gap: 14 }}>
            <div style={{ display: "flex", flexDirection: "column", alignItems: "center" }}>
              <span
                style={{ width: 30, height: 30, borderRadius: 15, display: "grid", placeItems: "center", fontWeight: 600, flex: "none", background: done[i] ? "var(--accent-soft)" : here ? "var(--accent)" : "var(--sunk)", color: done[i] ? "var(--accent)" : here ? "var(--ground)" : "var(--dim)" }}
              >
                {done[i] ? <IconCheck size={16} stroke={2.4} /> : i + 1}
              </span>
              {i < steps.length - 1 && <span style={{ width: 2, flex: 1, minHeight: 14, background: "var(--line)", margin: "4px 0" }} />}
            </div>
            <Link href={s.to} style={{ textDecoration: "none", paddingBottom: 18, display: "flex", gap: 12, alignItems: "flex-start" }}>
              <span style={{ flex: 1 }}>
                <b style={{ fontWeight: 600, fontSize: 15, lineHeight: "30px" }}>{s.title}</b>
                <span className="dim" style={{ display: "block" }}>{s.says}</span>
              </span>
              <IconArrowRight size={17} color={here ? "var(--accent)" : "var(--dim)"} style={{ marginTop: 7 }} />
            </Link>
          </li>
        );
      })}
    </ol>
  );
}

function Row({ to, name, middle, end }: { to: string; name: string; middle?: ReactNode; end?: ReactNode }) {
  return (
    <Link href={to} style={{ display: "grid", gridTemplateColumns: "minmax(0, 1fr) auto 88px", gap: 14, alignItems: "center", minHeight: 38, borderBottom: "1px solid var(--line)", textDecoration: "none" }}>
      <Cut text={name} style={{ fontWeight: 540 }} />
      <span style={{ display: "flex", gap: 10, alignItems: "center" }}>{middle}</span>
      <span className="dim" style={{ textAlign: "right", whiteSpace: "nowrap" }}>{end}</span>
    </Link>
  );
}

export default function Home() {
  const h = useHome();
  const error = h.datas.error ?? h.deployments.error;
  if (error)
    return (
      <div className="page">
        <Head crumbs={[{ text: "Home" }]} />
        <div className="body">
          <Fault error={error} again={() => { void h.datas.refetch(); void h.deployments.refetch(); }} />
        </div>
      </div>
    );
  const ready = h.datas.data && h.datasets.data && h.models.data && h.deployments.data;
  const experiments = h.experiments.data?.items ?? [];
  const reviewed = h.deployments.data?.items.some((d) => (d.counts?.reviewed ?? 0) + (d.counts?.submitted ?? 0) > 0) ?? false;
  const done = [!!h.datas.data?.count, !!h.datasets.data?.count, experiments.some((e) => e.status === "SUCCESS"), !!h.deployments.data?.count, reviewed];
  const running = h.jobs.data?.items.filter((j) => j.status === "RUNNING") ?? [];
  const firing = h.alerts.data?.items ?? [];
  const young = done.filter(Boolean).length < 4;
  return (
    <div className="page">
      <Head crumbs={[{ text: "Home" }]} />
      <div className="body">
        {!ready ? (
          <Skeleton height={260} maw={720} />
        ) : (
          <>
            {young && (
              <Section title={done[0] ? "Next steps" : `Welcome, ${h.user.username}. From images to a model that watches itself:`}>
                <Steps done={done} />
              </Section>
            )}
            <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(420px, 1fr))", gap: "8px 48px" }}>
              {firing.length > 0 && (
                <Section title="Alerts">
                  {firing.map((a) => (
                    <Row key={a.id} to={`/deployments/${a.deployment_id}?tab=settings&part=alerts`} name={`${a.deployment}: ${a.says}`} middle={<Status of={a.acknowledged_at ? "TERMINATED" : "FAILED"} word={a.acknowledged_at ? "Seen" : "Fires"} />} end={<Time at={a.since} />} />
                  ))}
                </Section>
              )}
              {running.length > 0 && (
                <Section title="Running now">
                  {running.slice(0, 6).map((j) => (
                    <Row key={j.id} to={placeOf(j) ?? "/jobs"} name={wordsOf(j)} middle={<Progress w={140} value={100 * (j.progress ?? 0)} aria-label="Progress" />} end={percent(j.progress ?? 0)} />
                  ))}
                </Section>
              )}
              {experiments.length > 0 && (
                <Section title="Experiments" end={<Link href="/projects" className="dim">All projects</Link>}>
                  {experiments.slice(0, 6).map((e) => (
                    <Row key={e.id} to={`/experiments/${e.id}`} name={e.name} middle={<>{e.status === "RUNNING" && e.progress != null ? <Progress w={90} value={100 * e.progress} aria-label="Progress" /> : e.best != null && <span className="dim">{scoreName(e.best.name)} {e.best.value?.toFixed(3) ?? "–"}</span>}<Status of={e.status} /></>} end={<Time at={e.updated_at ?? e.created_at} />} />
                  ))}
                </Section>
              )}
              {!!h.deployments.data?.items.length && (
                <Section title="Deployments" end={<Link href="/deployments" className="dim">All</Link>}>
                  {h.deployments.data.items.slice(0, 6).map((d) => (
                    <Row key={d.id} to={`/deployments/${d.id}`} name={d.name} middle={<><span className="dim">{plural(d.counts?.total ?? 0, "prediction")}{(d.counts?.to_review ?? 0) > 0 && `, ${count(d.counts?.to_review)} to review`}</span><Status of={d.status === "PAUSED" ? "PAUSED" : "LIVE"} /></>} end={<Time at={d.created_at} />} />
                  ))}
                </Section>
              )}
              {!!h.datasets.data?.items.length && (
                <Section title="Datasets" end={<Link href="/datasets" className="dim">All {countOf(h.datasets.data)}</Link>}>
                  {h.datasets.data.items.slice(0, 6).map((d) => (
                    <Row key={d.id} to={`/datasets/${d.id}`} name={d.name} middle={d.nb_versions !== undefined && <span className="dim">{plural(d.nb_versions, "version")}</span>} end={<Time at={d.created_at} />} />
                  ))}
                </Section>
              )}
            </div>
            {!!h.datas.data?.items.length && (
              <Section title="Newest images" end={<Link href="/datalake" className="dim">All {countOf(h.datas.data)}</Link>}>
                <div style={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(130px, 1fr))", gridTemplateRows: "1fr", gridAutoRows: 0, overflow: "hidden", columnGap: 10 }}>
                  {h.datas.data.items.map((d) => (
                    <Link key={d.id} href={`/datalake?open=${d.id}`} title={d.filename}>
                      <img src={thumbnail(d.id)} alt={d.filename} loading="lazy" style={{ width: "100%", aspectRatio: "4 / 3", objectFit: "cover", borderRadius: 6, background: "var(--image-ground)", display: "block" }} />
                    </Link>
                  ))}
                </div>
              </Section>
            )}
          </>
        )}
      </div>
    </div>
  );
}
