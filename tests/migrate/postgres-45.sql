-- A PostgreSQL database of version 45, the oldest there is, as pg_dump told it: tests/postgres/test_walk.py brings it to today.
CREATE FUNCTION public.annotation_back() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  old.batch < 0  THEN  UPDATE batch SET n_old = n_old - 1 WHERE id = -old.batch;  END IF; RETURN new; END $$;
CREATE FUNCTION public.annotation_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  new.batch = 0 OR new.batch IN (SELECT batch FROM batch_shown)  THEN  UPDATE asset SET n_shapes = new.n_shapes, status = new.status WHERE id = new.asset_id AND (n_shapes <> new.n_shapes OR coalesce(status, '') <> new.status);  END IF; RETURN new; END $$;
CREATE FUNCTION public.annotation_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM metadata_value WHERE owner_id = old.id; UPDATE batch SET n_new = n_new - 1 WHERE id = old.batch; UPDATE batch SET n_old = n_old - 1 WHERE id = -old.batch;  RETURN old; END $$;
CREATE FUNCTION public.annotation_gone_shown() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  old.batch = 0 OR old.batch IN (SELECT batch FROM batch_shown)  THEN  UPDATE asset SET n_shapes = 0, status = NULL WHERE id = old.asset_id; UPDATE dataset_version SET n_annotated = n_annotated - 1 WHERE id = old.dataset_version_id;  END IF; RETURN old; END $$;
CREATE FUNCTION public.annotation_leaves() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  old.batch = 0 OR old.batch IN (SELECT batch FROM batch_shown)  THEN  UPDATE label SET n_shapes = n_shapes - (SELECT count(*) FROM shape_row h WHERE h.label_id = label.id AND h.asset_id = old.asset_id AND (h.batch = 0 OR h.batch IN (SELECT batch FROM batch_shown))) WHERE id IN (SELECT h.label_id FROM shape_row h WHERE h.asset_id = old.asset_id);  END IF; RETURN old; END $$;
CREATE FUNCTION public.annotation_leaves_batch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  EXISTS (SELECT 1 FROM batch_label)  THEN  UPDATE batch_label SET n = n - (SELECT count(*) FROM shape_row h WHERE h.label_id = batch_label.label_id AND h.asset_id = old.asset_id AND h.batch = batch_label.batch AND h.annotation_id = old.id) WHERE (batch, label_id) IN (SELECT h.batch, h.label_id FROM shape_row h WHERE h.annotation_id = old.id AND h.batch <> 0);  END IF; RETURN old; END $$;
CREATE FUNCTION public.annotation_made() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  new.batch = 0  THEN  UPDATE asset SET n_shapes = new.n_shapes, status = new.status WHERE id = new.asset_id AND (n_shapes <> new.n_shapes OR coalesce(status, '') <> new.status); UPDATE dataset_version SET n_annotated = n_annotated + 1 WHERE id = new.dataset_version_id;  END IF; RETURN new; END $$;
CREATE FUNCTION public.annotation_made_hidden() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  new.batch > 0  THEN  UPDATE batch SET n_new = n_new + 1 WHERE id = new.batch;  END IF; RETURN new; END $$;
CREATE FUNCTION public.annotation_replaced() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  new.batch < 0  THEN  UPDATE batch SET n_old = n_old + 1 WHERE id = -new.batch;  END IF; RETURN new; END $$;
CREATE FUNCTION public.artifact_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  RETURN old; END $$;
CREATE FUNCTION public.artifact_replaced() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  RETURN new; END $$;
CREATE FUNCTION public.asset_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM tagged WHERE target_id = old.id; UPDATE dataset_version SET n_assets = n_assets - 1 WHERE id = old.dataset_version_id; UPDATE version_tag SET n = n - 1 WHERE dataset_version_id = old.dataset_version_id AND tag_id IN (SELECT x.tag_id FROM tagged x WHERE x.target_id = old.data_id);  RETURN old; END $$;
CREATE FUNCTION public.asset_made() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  UPDATE dataset_version SET n_assets = n_assets + 1 WHERE id = new.dataset_version_id; INSERT INTO version_tag (dataset_version_id, tag_id, n) SELECT new.dataset_version_id, x.tag_id, 1 FROM tagged x WHERE x.target_id = new.data_id ON CONFLICT (dataset_version_id, tag_id) DO UPDATE SET n = version_tag.n + 1;  RETURN new; END $$;
CREATE FUNCTION public.data_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM tagged WHERE target_id = old.id; DELETE FROM metadata_value WHERE owner_id = old.id; DELETE FROM object WHERE name = old.object_name; DELETE FROM object WHERE name IN (old.org || '/thumbnail/' || old.hash || '/128.jpg', old.org || '/thumbnail/' || old.hash || '/256.jpg', old.org || '/thumbnail/' || old.hash || '/512.jpg', old.org || '/thumbnail/' || old.hash || '/1024.jpg') AND NOT EXISTS (SELECT 1 FROM data WHERE hash = old.hash AND org = old.org);  RETURN old; END $$;
CREATE FUNCTION public.dataset_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM tagged WHERE target_id = old.id;  RETURN old; END $$;
CREATE FUNCTION public.dataset_version_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM tag WHERE scope = old.id; DELETE FROM tagged WHERE target_id = old.id;  RETURN old; END $$;
CREATE FUNCTION public.image_look_made() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  UPDATE predicted_asset SET brightness = new.brightness, contrast = new.contrast, sharpness = new.sharpness, saturation = new.saturation WHERE data_id = new.data_id;  RETURN new; END $$;
CREATE FUNCTION public.log_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  old.object_name IS NOT NULL  THEN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  END IF; RETURN old; END $$;
CREATE FUNCTION public.log_replaced() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  old.object_name <> coalesce(new.object_name, '')  THEN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  END IF; RETURN new; END $$;
CREATE FUNCTION public.logging_file_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  RETURN old; END $$;
CREATE FUNCTION public.logging_file_replaced() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  RETURN new; END $$;
CREATE FUNCTION public.model_file_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  RETURN old; END $$;
CREATE FUNCTION public.model_file_replaced() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM object WHERE name = old.object_name AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name) AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);  RETURN new; END $$;
CREATE FUNCTION public.outlier_fit_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM object WHERE name = old.object_name;  RETURN old; END $$;
CREATE FUNCTION public.predicted_asset_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  DELETE FROM tagged WHERE target_id = old.id; DELETE FROM metadata_value WHERE owner_id = old.id; UPDATE deployment SET n_to_review = n_to_review - CASE WHEN old.status = 'TO_REVIEW' THEN 1 ELSE 0 END, n_reviewed = n_reviewed - CASE WHEN old.status = 'REVIEWED' THEN 1 ELSE 0 END, n_submitted = n_submitted - CASE WHEN old.status = 'SUBMITTED' THEN 1 ELSE 0 END WHERE id = old.deployment_id;  RETURN old; END $$;
CREATE FUNCTION public.predicted_asset_made() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  UPDATE deployment SET n_to_review = n_to_review + CASE WHEN new.status = 'TO_REVIEW' THEN 1 ELSE 0 END, n_reviewed = n_reviewed + CASE WHEN new.status = 'REVIEWED' THEN 1 ELSE 0 END, n_submitted = n_submitted + CASE WHEN new.status = 'SUBMITTED' THEN 1 ELSE 0 END WHERE id = new.deployment_id;  RETURN new; END $$;
CREATE FUNCTION public.predicted_asset_moved() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  old.status <> new.status  THEN  UPDATE deployment SET n_to_review = n_to_review - CASE WHEN old.status = 'TO_REVIEW' THEN 1 ELSE 0 END, n_reviewed = n_reviewed - CASE WHEN old.status = 'REVIEWED' THEN 1 ELSE 0 END, n_submitted = n_submitted - CASE WHEN old.status = 'SUBMITTED' THEN 1 ELSE 0 END WHERE id = old.deployment_id; UPDATE deployment SET n_to_review = n_to_review + CASE WHEN new.status = 'TO_REVIEW' THEN 1 ELSE 0 END, n_reviewed = n_reviewed + CASE WHEN new.status = 'REVIEWED' THEN 1 ELSE 0 END, n_submitted = n_submitted + CASE WHEN new.status = 'SUBMITTED' THEN 1 ELSE 0 END WHERE id = new.deployment_id;  END IF; RETURN new; END $$;
CREATE FUNCTION public.shape_relabelled() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF  old.label_id <> new.label_id  THEN  UPDATE label SET n_shapes = n_shapes + CASE WHEN id = new.label_id THEN 1 ELSE -1 END WHERE id IN (old.label_id, new.label_id);  END IF; RETURN new; END $$;
CREATE FUNCTION public.strftime(text, double precision, text) RETURNS text
    LANGUAGE sql STABLE
    AS $_$SELECT strftime($1, $2::numeric, $3)$_$;
CREATE FUNCTION public.strftime(text, numeric, text) RETURNS text
    LANGUAGE sql STABLE
    AS $_$SELECT to_char(to_timestamp($2) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')$_$;
CREATE FUNCTION public.tagged_gone() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  UPDATE version_tag SET n = n - 1 WHERE tag_id = old.tag_id AND dataset_version_id IN (SELECT a.dataset_version_id FROM asset a WHERE a.data_id = old.target_id);  RETURN old; END $$;
CREATE FUNCTION public.tagged_made() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN  INSERT INTO version_tag (dataset_version_id, tag_id, n) SELECT a.dataset_version_id, new.tag_id, 1 FROM asset a WHERE a.data_id = new.target_id ON CONFLICT (dataset_version_id, tag_id) DO UPDATE SET n = version_tag.n + 1;  RETURN new; END $$;
CREATE TABLE public.access (
    person_id text NOT NULL,
    thing_id text NOT NULL,
    kind text NOT NULL,
    org text NOT NULL,
    role text NOT NULL,
    given_by text,
    created_at bigint NOT NULL,
    CONSTRAINT access_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'annotator'::text, 'member'::text, 'admin'::text])))
);
CREATE TABLE public.alert (
    id text NOT NULL,
    deployment_id text NOT NULL,
    metric text NOT NULL,
    label text,
    operator text NOT NULL,
    value double precision NOT NULL,
    window_predictions bigint,
    window_seconds bigint,
    min_count bigint NOT NULL,
    hold_seconds bigint NOT NULL,
    active bigint NOT NULL,
    emails text NOT NULL,
    webhooks bigint NOT NULL,
    says text NOT NULL,
    state text DEFAULT 'OK'::text NOT NULL,
    since bigint NOT NULL,
    told bigint DEFAULT 0 NOT NULL,
    last_value double precision,
    last_count bigint DEFAULT 0 NOT NULL,
    seen text,
    looked_at bigint,
    triggered_at bigint,
    acknowledged_at bigint,
    acknowledged_by text,
    muted_until bigint,
    created_at bigint NOT NULL,
    created_by text,
    CONSTRAINT alert_state_check CHECK ((state = ANY (ARRAY['OK'::text, 'PENDING'::text, 'FIRING'::text])))
);
CREATE TABLE public.alert_change (
    id text NOT NULL,
    alert_id text NOT NULL,
    at bigint NOT NULL,
    state text NOT NULL,
    value double precision,
    count bigint NOT NULL,
    why text NOT NULL
);
CREATE TABLE public.annotation_row (
    id text NOT NULL,
    org text NOT NULL,
    asset_id text NOT NULL,
    dataset_version_id text NOT NULL,
    status text NOT NULL,
    duration double precision NOT NULL,
    revision bigint NOT NULL,
    attributes text,
    created_at bigint NOT NULL,
    created_by text,
    updated_at bigint NOT NULL,
    updated_by text,
    n_shapes bigint DEFAULT 0 NOT NULL,
    batch bigint DEFAULT 0 NOT NULL,
    CONSTRAINT annotation_row_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'SKIPPED'::text, 'ACCEPTED'::text, 'REFUSED'::text])))
);
CREATE TABLE public.batch_shown (
    batch bigint NOT NULL
);
CREATE VIEW public.annotation AS
 SELECT id,
    org,
    asset_id,
    dataset_version_id,
    status,
    duration,
    revision,
    attributes,
    created_at,
    created_by,
    updated_at,
    updated_by,
    n_shapes,
    batch
   FROM public.annotation_row
  WHERE ((batch = 0) OR (batch IN ( SELECT batch_shown.batch
           FROM public.batch_shown)));
CREATE TABLE public.api_token (
    id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    hash text NOT NULL,
    hint text NOT NULL,
    role text,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    thing_id text
);
CREATE TABLE public.artifact (
    id text NOT NULL,
    experiment_id text NOT NULL,
    name text NOT NULL,
    filename text NOT NULL,
    object_name text NOT NULL,
    large bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.asset (
    id text NOT NULL,
    org text NOT NULL,
    dataset_version_id text NOT NULL,
    data_id text NOT NULL,
    created_at bigint NOT NULL,
    filename text DEFAULT ''::text NOT NULL,
    n_shapes bigint DEFAULT 0 NOT NULL,
    status text
);
CREATE TABLE public.batch (
    id bigint NOT NULL,
    dataset_version_id text NOT NULL,
    job_id text NOT NULL,
    shown bigint NOT NULL,
    n_new bigint DEFAULT 0 NOT NULL,
    n_old bigint DEFAULT 0 NOT NULL
);
ALTER TABLE public.batch ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.batch_label (
    batch bigint NOT NULL,
    label_id text NOT NULL,
    n bigint NOT NULL,
    made bigint NOT NULL
);
CREATE TABLE public.batch_part (
    batch bigint NOT NULL,
    annotation_id text NOT NULL
);
ALTER TABLE public.batch_shown ALTER COLUMN batch ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.batch_shown_batch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.batch_tag (
    batch bigint NOT NULL,
    asset_id text NOT NULL,
    name text NOT NULL
);
CREATE TABLE public.bulk (
    job_id text NOT NULL,
    slices bigint NOT NULL,
    slice bigint NOT NULL,
    item bigint NOT NULL,
    counted bigint NOT NULL,
    undoing bigint NOT NULL,
    tells text,
    why text,
    created_at bigint NOT NULL
);
CREATE TABLE public.bulk_slice (
    job_id text NOT NULL,
    n bigint NOT NULL,
    ids text NOT NULL
);
CREATE TABLE public.console_line (
    experiment_id text NOT NULL,
    n bigint NOT NULL,
    line_nb bigint NOT NULL,
    part text NOT NULL,
    log text NOT NULL,
    final bigint NOT NULL,
    special text,
    at bigint NOT NULL
);
CREATE TABLE public.ct_dataset (
    deployment_id text NOT NULL,
    name text NOT NULL,
    dataset_version_id text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.data (
    id text NOT NULL,
    org text NOT NULL,
    datalake_id text NOT NULL,
    object_name text NOT NULL,
    filename text NOT NULL,
    type text NOT NULL,
    content_type text NOT NULL,
    upload_status text NOT NULL,
    error text,
    width bigint,
    height bigint,
    orientation bigint,
    size bigint NOT NULL,
    hash text NOT NULL,
    data_source_id text,
    metadata text,
    custom_metadata text,
    created_at bigint NOT NULL,
    created_by text,
    CONSTRAINT data_upload_status_check CHECK ((upload_status = ANY (ARRAY['PENDING'::text, 'COMPUTING'::text, 'ERROR'::text, 'DONE'::text])))
);
CREATE TABLE public.data_source (
    id text NOT NULL,
    org text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.datalake (
    id text NOT NULL,
    org text NOT NULL,
    name text NOT NULL,
    connector_id text NOT NULL,
    created_at bigint NOT NULL,
    custom_metadata_schema text,
    allow_extra_custom_metadata bigint DEFAULT 1 NOT NULL
);
CREATE TABLE public.dataset (
    id text NOT NULL,
    org text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    created_by text
);
CREATE TABLE public.dataset_version (
    id text NOT NULL,
    dataset_id text NOT NULL,
    org text NOT NULL,
    version text NOT NULL,
    description text NOT NULL,
    type text NOT NULL,
    locked bigint DEFAULT 0 NOT NULL,
    attributes text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    created_by text,
    n_assets bigint DEFAULT 0 NOT NULL,
    n_annotated bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.decision (
    id text NOT NULL,
    deployment_id text NOT NULL,
    created_at bigint NOT NULL,
    kind text NOT NULL,
    model_version_id text NOT NULL,
    against_id text,
    images bigint NOT NULL,
    metric text,
    score double precision,
    against double precision,
    better double precision,
    confidence double precision,
    says text NOT NULL,
    created_by text,
    CONSTRAINT decision_kind_check CHECK ((kind = ANY (ARRAY['TRAINING'::text, 'PASSED'::text, 'REFUSED'::text, 'PROMOTED'::text, 'KEPT'::text, 'ROLLED_BACK'::text, 'STAYED'::text, 'CHAMPION'::text, 'SHADOW'::text, 'CANARY'::text, 'PAUSED'::text, 'RESUMED'::text])))
);
CREATE TABLE public.delivery (
    id text NOT NULL,
    org text NOT NULL,
    target text NOT NULL,
    webhook_id text,
    address text,
    event text NOT NULL,
    subject text,
    body text NOT NULL,
    state text NOT NULL,
    tries bigint NOT NULL,
    next_at bigint NOT NULL,
    status bigint,
    answer text,
    error text,
    created_at bigint NOT NULL,
    ended_at bigint,
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['WAITING'::text, 'DELIVERED'::text, 'FAILED'::text])))
);
CREATE TABLE public.deployment (
    id text NOT NULL,
    org text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    model_version_id text NOT NULL,
    shadow_model_version_id text,
    min_threshold double precision NOT NULL,
    target_datalake_id text NOT NULL,
    status text NOT NULL,
    serving bigint NOT NULL,
    sample_rate double precision DEFAULT 1 NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deployed_at bigint NOT NULL,
    shadow_at bigint,
    created_by text,
    n_to_review bigint DEFAULT 0 NOT NULL,
    n_reviewed bigint DEFAULT 0 NOT NULL,
    n_submitted bigint DEFAULT 0 NOT NULL,
    review_share double precision DEFAULT 0.2 NOT NULL,
    former_model_version_id text,
    canary_share double precision DEFAULT 0 NOT NULL,
    own_serving bigint DEFAULT 0 NOT NULL,
    reviewed_until bigint DEFAULT 0 NOT NULL,
    CONSTRAINT deployment_status_check CHECK ((status = ANY (ARRAY['RUNNING'::text, 'PAUSED'::text])))
);
CREATE TABLE public.deployment_label (
    id text NOT NULL,
    deployment_id text NOT NULL,
    "position" bigint NOT NULL,
    name text NOT NULL
);
CREATE TABLE public.drift (
    id text NOT NULL,
    active bigint DEFAULT 1 NOT NULL,
    alpha double precision DEFAULT 0.001 NOT NULL,
    window_size bigint DEFAULT 100 NOT NULL,
    step_size bigint DEFAULT 10 NOT NULL,
    compares_with text DEFAULT 'TRAINING'::text NOT NULL,
    fresh bigint DEFAULT 0 NOT NULL,
    due bigint DEFAULT 0 NOT NULL,
    allowance double precision DEFAULT 16 NOT NULL,
    allowance_at bigint DEFAULT 0 NOT NULL,
    training_version_id text,
    waits_for text,
    directions bigint DEFAULT 8 NOT NULL,
    CONSTRAINT drift_compares_with_check CHECK ((compares_with = ANY (ARRAY['TRAINING'::text, 'FIRST_PREDICTIONS'::text])))
);
CREATE TABLE public.drift_check (
    id text NOT NULL,
    deployment_id text NOT NULL,
    created_at bigint NOT NULL,
    drifted bigint NOT NULL,
    alarm bigint NOT NULL,
    n_tested bigint NOT NULL,
    detail text
);
CREATE TABLE public.drift_reference (
    deployment_id text NOT NULL,
    data_id text NOT NULL
);
CREATE TABLE public.drift_value (
    check_id text NOT NULL,
    feature text NOT NULL,
    d double precision NOT NULL,
    p double precision NOT NULL,
    limit_d double precision NOT NULL,
    drifted bigint NOT NULL
);
CREATE TABLE public.embedding (
    predicted_asset_id text NOT NULL,
    fit_id text CONSTRAINT embedding_fit_id_not_null1 NOT NULL,
    vector bytea NOT NULL
);
CREATE TABLE public.embedding_fit (
    id text NOT NULL,
    model_version_id text NOT NULL,
    dataset_version_id text NOT NULL,
    file_hash text NOT NULL,
    created_at bigint NOT NULL,
    width bigint,
    n_directions bigint,
    numbers bytea,
    why text
);
CREATE TABLE public.embedding_raw (
    predicted_asset_id text NOT NULL,
    fit_id text NOT NULL,
    vector bytea NOT NULL
);
CREATE TABLE public.embedding_training (
    fit_id text NOT NULL,
    data_id text NOT NULL,
    state text NOT NULL,
    vector bytea,
    CONSTRAINT embedding_training_state_check CHECK ((state = ANY (ARRAY['WANTED'::text, 'SEEN'::text, 'PLACED'::text, 'FAILED'::text])))
);
CREATE TABLE public.evaluation (
    id text NOT NULL,
    experiment_id text NOT NULL,
    asset_id text NOT NULL,
    custom_metrics text,
    created_at bigint NOT NULL
);
CREATE TABLE public.evaluation_shape (
    evaluation_id text NOT NULL,
    "position" bigint NOT NULL,
    kind text NOT NULL,
    label_id text NOT NULL,
    score double precision NOT NULL,
    text text,
    x double precision,
    y double precision,
    w double precision,
    h double precision,
    geometry text
);
CREATE TABLE public.event (
    id bigint NOT NULL,
    org text NOT NULL,
    topic text NOT NULL,
    "json" text NOT NULL,
    at bigint NOT NULL
);
ALTER TABLE public.event ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.experiment (
    id text NOT NULL,
    project_id text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    status text NOT NULL,
    error text,
    base_model_version_id text,
    base_experiment_id text,
    job_id text,
    cancelled bigint DEFAULT 0 NOT NULL,
    progress double precision DEFAULT 0 NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    started_at bigint,
    ended_at bigint,
    created_by text
);
CREATE TABLE public.experiment_dataset (
    experiment_id text NOT NULL,
    name text NOT NULL,
    dataset_version_id text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.experiment_source (
    experiment_id text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    thing_id text NOT NULL,
    origin_name text NOT NULL,
    version text NOT NULL,
    nb_assets bigint,
    nb_objects bigint,
    labels text,
    kept_at bigint NOT NULL,
    CONSTRAINT experiment_source_kind_check CHECK ((kind = ANY (ARRAY['dataset version'::text, 'model version'::text])))
);
CREATE TABLE public.fl_dataset (
    deployment_id text NOT NULL,
    dataset_version_id text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.gate (
    id text NOT NULL,
    promotes bigint DEFAULT 0 NOT NULL,
    rolls_back bigint DEFAULT 0 NOT NULL,
    reviews bigint DEFAULT 50 NOT NULL,
    margin double precision DEFAULT 0 NOT NULL,
    confidence double precision DEFAULT 0.95 NOT NULL,
    champion_id text,
    shadow_id text,
    shadow_looks bigint DEFAULT 0 NOT NULL,
    former_id text,
    former_low double precision,
    champion_since bigint DEFAULT 0 NOT NULL,
    champion_looks bigint DEFAULT 0 NOT NULL,
    seen text
);
CREATE TABLE public.gone (
    id text NOT NULL,
    within text NOT NULL
);
CREATE TABLE public.image_look (
    data_id text NOT NULL,
    brightness double precision,
    contrast double precision,
    sharpness double precision,
    saturation double precision
);
CREATE TABLE public.job (
    id text NOT NULL,
    kind text NOT NULL,
    org text,
    user_id text,
    input text NOT NULL,
    lane text DEFAULT 'quick'::text NOT NULL,
    status text NOT NULL,
    progress double precision DEFAULT 0 NOT NULL,
    furthest double precision DEFAULT 0 NOT NULL,
    doing text,
    result text,
    error text,
    tries bigint DEFAULT 0 NOT NULL,
    cancel bigint DEFAULT 0 NOT NULL,
    worker text,
    lease_until bigint DEFAULT 0 NOT NULL,
    created_at bigint NOT NULL,
    started_at bigint,
    ended_at bigint,
    about_id text,
    about text,
    reads_id text,
    CONSTRAINT job_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'RUNNING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'KILLED'::text])))
);
CREATE TABLE public.label (
    id text NOT NULL,
    org text NOT NULL,
    dataset_version_id text NOT NULL,
    name text NOT NULL,
    "position" bigint NOT NULL,
    group_id text,
    skeleton text,
    attributes text,
    created_at bigint NOT NULL,
    n_shapes bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.label_group (
    id text NOT NULL,
    org text NOT NULL,
    dataset_version_id text NOT NULL,
    name text NOT NULL,
    parent_id text
);
CREATE TABLE public.log (
    id text NOT NULL,
    experiment_id text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    data text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    object_name text,
    n_points bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.log_point (
    log_id text NOT NULL,
    step numeric NOT NULL,
    value text
);
CREATE TABLE public.logging_file (
    id text NOT NULL,
    experiment_id text NOT NULL,
    object_name text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.look_todo (
    id text NOT NULL,
    data_id text NOT NULL
);
CREATE TABLE public.mail_server (
    org text NOT NULL,
    host text NOT NULL,
    port bigint NOT NULL,
    security text NOT NULL,
    username text,
    password text,
    sender text NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT mail_server_security_check CHECK ((security = ANY (ARRAY['TLS'::text, 'STARTTLS'::text, 'NONE'::text])))
);
CREATE TABLE public.member (
    person_id text NOT NULL,
    org text NOT NULL,
    role text NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT member_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'annotator'::text, 'member'::text, 'admin'::text, 'owner'::text])))
);
CREATE TABLE public.metadata_key (
    id bigint NOT NULL,
    org text NOT NULL,
    document text NOT NULL,
    path text NOT NULL
);
ALTER TABLE public.metadata_key ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.metadata_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.metadata_value (
    owner_id text NOT NULL,
    key_id bigint NOT NULL,
    place bigint NOT NULL,
    number double precision,
    words text
);
CREATE TABLE public.model (
    id text NOT NULL,
    org text,
    name text NOT NULL,
    description text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    created_by text,
    place bigint DEFAULT 0 NOT NULL,
    type text,
    framework text
);
CREATE TABLE public.model_context (
    id text NOT NULL,
    model_version_id text NOT NULL,
    experiment_id text,
    experiment_name text,
    datas text NOT NULL,
    parameters text NOT NULL
);
CREATE TABLE public.model_file (
    id text NOT NULL,
    model_version_id text NOT NULL,
    name text NOT NULL,
    filename text NOT NULL,
    object_name text NOT NULL,
    large bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.model_look (
    model_version_id text NOT NULL,
    hash text NOT NULL,
    told text NOT NULL,
    tells text NOT NULL,
    looked_at bigint NOT NULL
);
CREATE TABLE public.model_version (
    id text NOT NULL,
    model_id text NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    type text NOT NULL,
    framework text NOT NULL,
    architecture text,
    labels text,
    parameters text,
    docker_image text,
    docker_tag text,
    docker_flags text,
    docker_env_variables text,
    thumbnail_object_name text,
    notebook_link text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    created_by text
);
CREATE TABLE public.object (
    name text NOT NULL,
    org text NOT NULL,
    hash text NOT NULL,
    size bigint NOT NULL,
    content_type text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.organization (
    id text NOT NULL,
    name text NOT NULL,
    default_connector_id text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.outlier (
    id text NOT NULL,
    active bigint DEFAULT 1 NOT NULL,
    percentile double precision DEFAULT 99 NOT NULL,
    fit_id text,
    reflag bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.outlier_fit (
    id text NOT NULL,
    deployment_id text NOT NULL,
    dataset_version_id text NOT NULL,
    state text NOT NULL,
    job_id text,
    created_at bigint NOT NULL,
    ended_at bigint,
    images bigint,
    held_out bigint,
    seconds double precision,
    loss double precision,
    percentile double precision,
    threshold double precision,
    chance double precision,
    held text,
    object_name text,
    error text,
    behind_at bigint,
    behind_id text,
    behind bigint DEFAULT 0 NOT NULL,
    CONSTRAINT outlier_fit_state_check CHECK ((state = ANY (ARRAY['WORKING'::text, 'READY'::text, 'FAILED'::text])))
);
CREATE TABLE public.outlier_todo (
    id text NOT NULL
);
CREATE TABLE public.person (
    id text NOT NULL,
    home text NOT NULL,
    username text NOT NULL,
    password text NOT NULL,
    created_at bigint NOT NULL,
    last_login_at bigint
);
CREATE TABLE public.pipeline (
    deployment_id text NOT NULL,
    td_version_id text,
    td_at bigint,
    fl_set bigint DEFAULT 0 NOT NULL,
    fl_active bigint DEFAULT 0 NOT NULL,
    ct_set bigint DEFAULT 0 NOT NULL,
    ct_active bigint DEFAULT 0 NOT NULL,
    ct_project_id text,
    ct_trigger text DEFAULT 'NONE'::text NOT NULL,
    ct_threshold bigint,
    ct_parameters text,
    ct_error text,
    cd_set bigint DEFAULT 0 NOT NULL,
    cd_active bigint DEFAULT 0 NOT NULL,
    cd_policy text DEFAULT 'DEPLOY_MANUAL'::text NOT NULL,
    ct_every_hours bigint,
    ct_weekday bigint,
    ct_hour bigint,
    ct_metric text,
    ct_below double precision,
    ct_reviews bigint,
    ct_rest_hours bigint,
    ct_at bigint,
    ct_user_id text,
    ct_seen text,
    cd_tests bigint DEFAULT 1 NOT NULL,
    cd_test_version_id text,
    cd_margin double precision DEFAULT 0 NOT NULL,
    cd_confidence double precision DEFAULT 0.95 NOT NULL
);
CREATE TABLE public.predicted_asset (
    id text NOT NULL,
    deployment_id text NOT NULL,
    data_id text NOT NULL,
    status text NOT NULL,
    source text,
    metadata text,
    custom_metrics text,
    created_at bigint NOT NULL,
    submitted_at bigint,
    retraining_id text,
    custom_metadata text,
    filename text DEFAULT ''::text NOT NULL,
    width bigint,
    height bigint,
    latency double precision,
    n_shapes bigint DEFAULT 0 NOT NULL,
    brightness double precision,
    contrast double precision,
    sharpness double precision,
    saturation double precision,
    score_mean double precision,
    score_max double precision,
    uncertainty double precision,
    disagreement double precision,
    canary bigint DEFAULT 0 NOT NULL,
    draw double precision DEFAULT 0 NOT NULL,
    reserved bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    outlier_score double precision,
    is_outlier bigint DEFAULT 0 NOT NULL,
    delivery text,
    CONSTRAINT predicted_asset_status_check CHECK ((status = ANY (ARRAY['TO_REVIEW'::text, 'REVIEWED'::text, 'SUBMITTED'::text])))
);
CREATE TABLE public.prediction (
    id text NOT NULL,
    predicted_asset_id text NOT NULL,
    model_version_id text,
    is_shadow bigint NOT NULL,
    latency double precision NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.prediction_hour (
    deployment_id text NOT NULL,
    model_version_id text NOT NULL,
    is_shadow bigint NOT NULL,
    hour bigint NOT NULL,
    n bigint NOT NULL,
    latency_sum double precision NOT NULL,
    latency_max double precision NOT NULL,
    latencies text NOT NULL,
    scores text NOT NULL,
    labels text NOT NULL,
    reviewed text NOT NULL
);
CREATE TABLE public.prediction_shape (
    prediction_id text NOT NULL,
    "position" bigint NOT NULL,
    kind text NOT NULL,
    label_id text NOT NULL,
    score double precision,
    x double precision NOT NULL,
    y double precision NOT NULL,
    w double precision NOT NULL,
    h double precision NOT NULL,
    geometry text
);
CREATE TABLE public.project (
    id text NOT NULL,
    org text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    created_by text
);
CREATE TABLE public.project_dataset (
    project_id text NOT NULL,
    dataset_version_id text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.retraining (
    id text NOT NULL,
    deployment_id text NOT NULL,
    experiment_id text,
    experiment_name text NOT NULL,
    state text NOT NULL,
    error text,
    model_version_id text,
    nb_images bigint NOT NULL,
    created_at bigint NOT NULL,
    ended_at bigint,
    cause text,
    says text DEFAULT ''::text NOT NULL,
    CONSTRAINT retraining_state_check CHECK ((state = ANY (ARRAY['RUNNING'::text, 'TESTING'::text, 'DONE'::text, 'FAILED'::text])))
);
CREATE TABLE public.review (
    id text NOT NULL,
    predicted_asset_id text NOT NULL,
    created_at bigint NOT NULL,
    created_by text,
    chosen text DEFAULT 'BY_HAND'::text NOT NULL
);
CREATE TABLE public.review_lease (
    predicted_asset_id text NOT NULL,
    id text NOT NULL,
    deployment_id text NOT NULL,
    person_id text NOT NULL,
    chosen text NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE public.review_shape (
    review_id text NOT NULL,
    "position" bigint NOT NULL,
    kind text NOT NULL,
    label_id text NOT NULL,
    score double precision,
    x double precision NOT NULL,
    y double precision NOT NULL,
    w double precision NOT NULL,
    h double precision NOT NULL,
    geometry text
);
CREATE TABLE public.saved_view (
    id text NOT NULL,
    org text NOT NULL,
    person_id text NOT NULL,
    page text NOT NULL,
    name text NOT NULL,
    q text NOT NULL,
    order_by text,
    created_at bigint NOT NULL
);
CREATE TABLE public.schema_of (
    fingerprint text NOT NULL,
    version bigint DEFAULT 1 NOT NULL
);
CREATE TABLE public.served_minute (
    deployment_id text NOT NULL,
    minute bigint NOT NULL,
    answered bigint NOT NULL,
    refused bigint NOT NULL,
    last_at bigint
);
CREATE TABLE public.session (
    hash text NOT NULL,
    user_id text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    org text
);
CREATE TABLE public.shadow_todo (
    id text NOT NULL,
    predicted_asset_id text NOT NULL,
    model_version_id text NOT NULL,
    is_shadow bigint DEFAULT 1 NOT NULL
);
CREATE TABLE public.shape_row (
    id text NOT NULL,
    annotation_id text NOT NULL,
    asset_id text NOT NULL,
    dataset_version_id text NOT NULL,
    label_id text NOT NULL,
    kind text NOT NULL,
    "position" bigint NOT NULL,
    x bigint NOT NULL,
    y bigint NOT NULL,
    w bigint NOT NULL,
    h bigint NOT NULL,
    geometry text,
    area double precision NOT NULL,
    text text,
    attributes text,
    batch bigint DEFAULT 0 NOT NULL
);
CREATE VIEW public.shape AS
 SELECT id,
    annotation_id,
    asset_id,
    dataset_version_id,
    label_id,
    kind,
    "position",
    x,
    y,
    w,
    h,
    geometry,
    area,
    text,
    attributes,
    batch
   FROM public.shape_row
  WHERE ((batch = 0) OR (batch IN ( SELECT batch_shown.batch
           FROM public.batch_shown)));
CREATE TABLE public.tag (
    id text NOT NULL,
    org text NOT NULL,
    scope text NOT NULL,
    target_type text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.tagged (
    tag_id text NOT NULL,
    target_id text NOT NULL
);
CREATE TABLE public.upload (
    object_name text NOT NULL,
    id text NOT NULL,
    size bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.upload_part (
    upload_id text NOT NULL,
    first bigint NOT NULL,
    size bigint NOT NULL
);
CREATE TABLE public.version_tag (
    dataset_version_id text NOT NULL,
    tag_id text NOT NULL,
    n bigint NOT NULL
);
CREATE TABLE public.webhook (
    id text NOT NULL,
    org text NOT NULL,
    url text NOT NULL,
    events text NOT NULL,
    secret text NOT NULL,
    hint text NOT NULL,
    active bigint NOT NULL,
    last_at bigint,
    last_status bigint,
    last_error text,
    created_at bigint NOT NULL,
    created_by text
);
ALTER TABLE ONLY public.access
    ADD CONSTRAINT access_pkey PRIMARY KEY (person_id, thing_id);
ALTER TABLE ONLY public.alert_change
    ADD CONSTRAINT alert_change_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.annotation_row
    ADD CONSTRAINT annotation_row_asset_id_batch_key UNIQUE (asset_id, batch);
ALTER TABLE ONLY public.annotation_row
    ADD CONSTRAINT annotation_row_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_hash_key UNIQUE (hash);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.artifact
    ADD CONSTRAINT artifact_experiment_id_name_key UNIQUE (experiment_id, name);
ALTER TABLE ONLY public.artifact
    ADD CONSTRAINT artifact_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.asset
    ADD CONSTRAINT asset_dataset_version_id_data_id_key UNIQUE (dataset_version_id, data_id);
ALTER TABLE ONLY public.asset
    ADD CONSTRAINT asset_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.batch_label
    ADD CONSTRAINT batch_label_pkey PRIMARY KEY (batch, label_id);
ALTER TABLE ONLY public.batch_part
    ADD CONSTRAINT batch_part_pkey PRIMARY KEY (batch, annotation_id);
ALTER TABLE ONLY public.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.batch_shown
    ADD CONSTRAINT batch_shown_pkey PRIMARY KEY (batch);
ALTER TABLE ONLY public.batch_tag
    ADD CONSTRAINT batch_tag_pkey PRIMARY KEY (batch, asset_id);
ALTER TABLE ONLY public.bulk
    ADD CONSTRAINT bulk_pkey PRIMARY KEY (job_id);
ALTER TABLE ONLY public.bulk_slice
    ADD CONSTRAINT bulk_slice_pkey PRIMARY KEY (job_id, n);
ALTER TABLE ONLY public.console_line
    ADD CONSTRAINT console_line_pkey PRIMARY KEY (experiment_id, n);
ALTER TABLE ONLY public.ct_dataset
    ADD CONSTRAINT ct_dataset_pkey PRIMARY KEY (deployment_id, name);
ALTER TABLE ONLY public.data
    ADD CONSTRAINT data_object_name_key UNIQUE (object_name);
ALTER TABLE ONLY public.data
    ADD CONSTRAINT data_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.data_source
    ADD CONSTRAINT data_source_org_name_key UNIQUE (org, name);
ALTER TABLE ONLY public.data_source
    ADD CONSTRAINT data_source_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.datalake
    ADD CONSTRAINT datalake_org_name_key UNIQUE (org, name);
ALTER TABLE ONLY public.datalake
    ADD CONSTRAINT datalake_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dataset
    ADD CONSTRAINT dataset_org_name_key UNIQUE (org, name);
ALTER TABLE ONLY public.dataset
    ADD CONSTRAINT dataset_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dataset_version
    ADD CONSTRAINT dataset_version_dataset_id_version_key UNIQUE (dataset_id, version);
ALTER TABLE ONLY public.dataset_version
    ADD CONSTRAINT dataset_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.deployment_label
    ADD CONSTRAINT deployment_label_deployment_id_name_key UNIQUE (deployment_id, name);
ALTER TABLE ONLY public.deployment_label
    ADD CONSTRAINT deployment_label_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_org_name_key UNIQUE (org, name);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.drift_check
    ADD CONSTRAINT drift_check_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.drift
    ADD CONSTRAINT drift_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.drift_reference
    ADD CONSTRAINT drift_reference_pkey PRIMARY KEY (deployment_id, data_id);
ALTER TABLE ONLY public.drift_value
    ADD CONSTRAINT drift_value_pkey PRIMARY KEY (check_id, feature);
ALTER TABLE ONLY public.embedding_fit
    ADD CONSTRAINT embedding_fit_model_version_id_dataset_version_id_key UNIQUE (model_version_id, dataset_version_id);
ALTER TABLE ONLY public.embedding_fit
    ADD CONSTRAINT embedding_fit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.embedding
    ADD CONSTRAINT embedding_pkey PRIMARY KEY (predicted_asset_id);
ALTER TABLE ONLY public.embedding_raw
    ADD CONSTRAINT embedding_raw_pkey PRIMARY KEY (predicted_asset_id);
ALTER TABLE ONLY public.embedding_training
    ADD CONSTRAINT embedding_training_pkey PRIMARY KEY (fit_id, data_id);
ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_experiment_id_asset_id_key UNIQUE (experiment_id, asset_id);
ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.evaluation_shape
    ADD CONSTRAINT evaluation_shape_pkey PRIMARY KEY (evaluation_id, "position");
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.experiment_dataset
    ADD CONSTRAINT experiment_dataset_pkey PRIMARY KEY (experiment_id, name);
ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_project_id_name_key UNIQUE (project_id, name);
ALTER TABLE ONLY public.experiment_source
    ADD CONSTRAINT experiment_source_pkey PRIMARY KEY (experiment_id, kind, name);
ALTER TABLE ONLY public.fl_dataset
    ADD CONSTRAINT fl_dataset_pkey PRIMARY KEY (deployment_id, dataset_version_id);
ALTER TABLE ONLY public.gate
    ADD CONSTRAINT gate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.gone
    ADD CONSTRAINT gone_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.image_look
    ADD CONSTRAINT image_look_pkey PRIMARY KEY (data_id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT label_dataset_version_id_name_key UNIQUE (dataset_version_id, name);
ALTER TABLE ONLY public.label_group
    ADD CONSTRAINT label_group_dataset_version_id_name_key UNIQUE (dataset_version_id, name);
ALTER TABLE ONLY public.label_group
    ADD CONSTRAINT label_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.label
    ADD CONSTRAINT label_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.log
    ADD CONSTRAINT log_experiment_id_name_key UNIQUE (experiment_id, name);
ALTER TABLE ONLY public.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.log_point
    ADD CONSTRAINT log_point_pkey PRIMARY KEY (log_id, step);
ALTER TABLE ONLY public.logging_file
    ADD CONSTRAINT logging_file_experiment_id_key UNIQUE (experiment_id);
ALTER TABLE ONLY public.logging_file
    ADD CONSTRAINT logging_file_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.look_todo
    ADD CONSTRAINT look_todo_data_id_key UNIQUE (data_id);
ALTER TABLE ONLY public.look_todo
    ADD CONSTRAINT look_todo_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.mail_server
    ADD CONSTRAINT mail_server_pkey PRIMARY KEY (org);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_pkey PRIMARY KEY (person_id, org);
ALTER TABLE ONLY public.metadata_key
    ADD CONSTRAINT metadata_key_document_path_org_key UNIQUE (document, path, org);
ALTER TABLE ONLY public.metadata_key
    ADD CONSTRAINT metadata_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.metadata_value
    ADD CONSTRAINT metadata_value_pkey PRIMARY KEY (owner_id, key_id, place);
ALTER TABLE ONLY public.model_context
    ADD CONSTRAINT model_context_model_version_id_key UNIQUE (model_version_id);
ALTER TABLE ONLY public.model_context
    ADD CONSTRAINT model_context_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.model_file
    ADD CONSTRAINT model_file_model_version_id_name_key UNIQUE (model_version_id, name);
ALTER TABLE ONLY public.model_file
    ADD CONSTRAINT model_file_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.model_look
    ADD CONSTRAINT model_look_pkey PRIMARY KEY (model_version_id);
ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.model_version
    ADD CONSTRAINT model_version_model_id_version_key UNIQUE (model_id, version);
ALTER TABLE ONLY public.model_version
    ADD CONSTRAINT model_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.object
    ADD CONSTRAINT object_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT organization_name_key UNIQUE (name);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outlier_fit
    ADD CONSTRAINT outlier_fit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outlier
    ADD CONSTRAINT outlier_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outlier_todo
    ADD CONSTRAINT outlier_todo_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pipeline
    ADD CONSTRAINT pipeline_pkey PRIMARY KEY (deployment_id);
ALTER TABLE ONLY public.predicted_asset
    ADD CONSTRAINT predicted_asset_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.prediction_hour
    ADD CONSTRAINT prediction_hour_pkey PRIMARY KEY (deployment_id, is_shadow, hour, model_version_id);
ALTER TABLE ONLY public.prediction
    ADD CONSTRAINT prediction_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.prediction
    ADD CONSTRAINT prediction_predicted_asset_id_is_shadow_key UNIQUE (predicted_asset_id, is_shadow);
ALTER TABLE ONLY public.prediction_shape
    ADD CONSTRAINT prediction_shape_pkey PRIMARY KEY (prediction_id, "position");
ALTER TABLE ONLY public.project_dataset
    ADD CONSTRAINT project_dataset_pkey PRIMARY KEY (project_id, dataset_version_id);
ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_org_name_key UNIQUE (org, name);
ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.retraining
    ADD CONSTRAINT retraining_experiment_id_key UNIQUE (experiment_id);
ALTER TABLE ONLY public.retraining
    ADD CONSTRAINT retraining_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.review_lease
    ADD CONSTRAINT review_lease_id_key UNIQUE (id);
ALTER TABLE ONLY public.review_lease
    ADD CONSTRAINT review_lease_pkey PRIMARY KEY (predicted_asset_id);
ALTER TABLE ONLY public.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.review
    ADD CONSTRAINT review_predicted_asset_id_key UNIQUE (predicted_asset_id);
ALTER TABLE ONLY public.review_shape
    ADD CONSTRAINT review_shape_pkey PRIMARY KEY (review_id, "position");
ALTER TABLE ONLY public.saved_view
    ADD CONSTRAINT saved_view_org_person_id_page_name_key UNIQUE (org, person_id, page, name);
ALTER TABLE ONLY public.saved_view
    ADD CONSTRAINT saved_view_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.served_minute
    ADD CONSTRAINT served_minute_pkey PRIMARY KEY (deployment_id, minute);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.shadow_todo
    ADD CONSTRAINT shadow_todo_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.shape_row
    ADD CONSTRAINT shape_row_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tag
    ADD CONSTRAINT tag_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tag
    ADD CONSTRAINT tag_scope_target_type_name_key UNIQUE (scope, target_type, name);
ALTER TABLE ONLY public.tagged
    ADD CONSTRAINT tagged_pkey PRIMARY KEY (tag_id, target_id);
ALTER TABLE ONLY public.upload_part
    ADD CONSTRAINT upload_part_pkey PRIMARY KEY (upload_id, first);
ALTER TABLE ONLY public.upload
    ADD CONSTRAINT upload_pkey PRIMARY KEY (object_name);
ALTER TABLE ONLY public.version_tag
    ADD CONSTRAINT version_tag_pkey PRIMARY KEY (dataset_version_id, tag_id);
ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (id);
CREATE INDEX access_thing ON public.access USING btree (thing_id);
CREATE INDEX alert_change_of ON public.alert_change USING btree (alert_id, id);
CREATE INDEX alert_of ON public.alert USING btree (deployment_id);
CREATE INDEX alert_state ON public.alert USING btree (state) WHERE (state <> 'OK'::text);
CREATE INDEX annotation_created ON public.annotation_row USING btree (dataset_version_id, created_at, id, batch);
CREATE INDEX annotation_duration ON public.annotation_row USING btree (dataset_version_id, duration, id, batch);
CREATE INDEX annotation_of_version ON public.annotation_row USING btree (dataset_version_id, id, batch);
CREATE INDEX annotation_revision ON public.annotation_row USING btree (dataset_version_id, revision, id, batch);
CREATE INDEX annotation_sizes ON public.annotation_row USING btree (dataset_version_id, n_shapes, asset_id, batch);
CREATE INDEX annotation_status ON public.annotation_row USING btree (dataset_version_id, status, id, batch, asset_id);
CREATE INDEX annotation_updated ON public.annotation_row USING btree (dataset_version_id, updated_at, id, batch);
CREATE INDEX api_token_thing ON public.api_token USING btree (thing_id) WHERE (thing_id IS NOT NULL);
CREATE INDEX artifact_object ON public.artifact USING btree (object_name);
CREATE INDEX asset_created ON public.asset USING btree (dataset_version_id, created_at, id);
CREATE INDEX asset_filename ON public.asset USING btree (dataset_version_id, filename, id);
CREATE INDEX asset_of_data ON public.asset USING btree (data_id);
CREATE INDEX asset_of_version ON public.asset USING btree (dataset_version_id, org, id);
CREATE INDEX asset_shapes ON public.asset USING btree (dataset_version_id, n_shapes, id);
CREATE INDEX asset_status ON public.asset USING btree (dataset_version_id, status, id);
CREATE INDEX data_created ON public.data USING btree (datalake_id, created_at, id);
CREATE INDEX data_filename ON public.data USING btree (datalake_id, filename, id);
CREATE INDEX data_hash ON public.data USING btree (hash);
CREATE INDEX data_height ON public.data USING btree (datalake_id, height, id);
CREATE INDEX data_kind ON public.data USING btree (datalake_id, content_type, id);
CREATE INDEX data_lake ON public.data USING btree (datalake_id, org, id);
CREATE INDEX data_size ON public.data USING btree (datalake_id, size, id);
CREATE INDEX data_source_of ON public.data USING btree (data_source_id, id);
CREATE INDEX data_status ON public.data USING btree (datalake_id, upload_status, id);
CREATE INDEX data_width ON public.data USING btree (datalake_id, width, id);
CREATE INDEX decision_of ON public.decision USING btree (deployment_id, id);
CREATE INDEX delivery_due ON public.delivery USING btree (target, next_at, id) WHERE (state = 'WAITING'::text);
CREATE INDEX delivery_of ON public.delivery USING btree (target, id);
CREATE INDEX delivery_of_webhook ON public.delivery USING btree (webhook_id, id);
CREATE INDEX drift_check_time ON public.drift_check USING btree (deployment_id, created_at, id);
CREATE INDEX drift_reference_data ON public.drift_reference USING btree (data_id);
CREATE INDEX embedding_fit_dataset ON public.embedding_fit USING btree (dataset_version_id);
CREATE INDEX embedding_raw_fit ON public.embedding_raw USING btree (fit_id);
CREATE INDEX embedding_training_data ON public.embedding_training USING btree (data_id);
CREATE INDEX embedding_training_state ON public.embedding_training USING btree (fit_id, state);
CREATE INDEX evaluation_of_asset ON public.evaluation USING btree (asset_id);
CREATE INDEX evaluation_shape_of_label ON public.evaluation_shape USING btree (label_id);
CREATE INDEX job_of_org ON public.job USING btree (org, created_at);
CREATE INDEX job_to_clear ON public.job USING btree (lane) WHERE (cancel = 2);
CREATE INDEX job_waiting ON public.job USING btree (lane, created_at) WHERE (status = ANY (ARRAY['PENDING'::text, 'RUNNING'::text]));
CREATE INDEX label_of_group ON public.label USING btree (group_id);
CREATE INDEX label_of_version ON public.label USING btree (dataset_version_id, "position");
CREATE INDEX logging_file_object ON public.logging_file USING btree (object_name);
CREATE INDEX member_org ON public.member USING btree (org);
CREATE INDEX metadata_value_of_key ON public.metadata_value USING btree (key_id, number, words, owner_id);
CREATE INDEX model_file_object ON public.model_file USING btree (object_name);
CREATE UNIQUE INDEX model_name ON public.model USING btree (COALESCE(org, ''::text), name);
CREATE INDEX object_hash ON public.object USING btree (hash);
CREATE INDEX outlier_fit_behind ON public.outlier_fit USING btree (id) WHERE (behind_at IS NOT NULL);
CREATE INDEX outlier_fit_of ON public.outlier_fit USING btree (deployment_id, id);
CREATE INDEX outlier_fit_working ON public.outlier_fit USING btree (state) WHERE (state = 'WORKING'::text);
CREATE UNIQUE INDEX person_name ON public.person USING btree (lower(username));
CREATE INDEX predicted_asset_area ON public.predicted_asset USING btree (deployment_id, ((width * height)), id);
CREATE INDEX predicted_asset_brightness ON public.predicted_asset USING btree (deployment_id, brightness, id);
CREATE INDEX predicted_asset_contrast ON public.predicted_asset USING btree (deployment_id, contrast, id);
CREATE INDEX predicted_asset_data ON public.predicted_asset USING btree (data_id, deployment_id);
CREATE UNIQUE INDEX predicted_asset_delivery ON public.predicted_asset USING btree (deployment_id, delivery) WHERE (delivery IS NOT NULL);
CREATE INDEX predicted_asset_disputed ON public.predicted_asset USING btree (deployment_id, disagreement, id) WHERE ((status = 'TO_REVIEW'::text) AND (skipped = 0) AND (reserved = 0) AND (disagreement > (0)::double precision));
CREATE INDEX predicted_asset_drawn ON public.predicted_asset USING btree (deployment_id, draw, id) WHERE ((status = 'TO_REVIEW'::text) AND (skipped = 0) AND (reserved = 1));
CREATE INDEX predicted_asset_filename ON public.predicted_asset USING btree (deployment_id, filename, id);
CREATE INDEX predicted_asset_height ON public.predicted_asset USING btree (deployment_id, height, id);
CREATE INDEX predicted_asset_latency ON public.predicted_asset USING btree (deployment_id, latency, id);
CREATE INDEX predicted_asset_new ON public.predicted_asset USING btree (deployment_id, submitted_at) WHERE ((status = 'SUBMITTED'::text) AND (retraining_id IS NULL));
CREATE INDEX predicted_asset_outlier_score ON public.predicted_asset USING btree (deployment_id, outlier_score, id);
CREATE INDEX predicted_asset_outliers ON public.predicted_asset USING btree (deployment_id, is_outlier, outlier_score, id);
CREATE INDEX predicted_asset_outlying ON public.predicted_asset USING btree (deployment_id, outlier_score, id) WHERE ((status = 'TO_REVIEW'::text) AND (skipped = 0) AND (reserved = 0) AND (outlier_score > (0)::double precision));
CREATE INDEX predicted_asset_ratio ON public.predicted_asset USING btree (deployment_id, ((((width)::numeric * 1.0) / (NULLIF(height, 0))::numeric)), id);
CREATE INDEX predicted_asset_retraining ON public.predicted_asset USING btree (retraining_id) WHERE (retraining_id IS NOT NULL);
CREATE INDEX predicted_asset_saturation ON public.predicted_asset USING btree (deployment_id, saturation, id);
CREATE INDEX predicted_asset_score_max ON public.predicted_asset USING btree (deployment_id, score_max, id);
CREATE INDEX predicted_asset_score_mean ON public.predicted_asset USING btree (deployment_id, score_mean, id);
CREATE INDEX predicted_asset_shapes ON public.predicted_asset USING btree (deployment_id, n_shapes, id);
CREATE INDEX predicted_asset_sharpness ON public.predicted_asset USING btree (deployment_id, sharpness, id);
CREATE INDEX predicted_asset_skipped ON public.predicted_asset USING btree (deployment_id, skipped, id) WHERE ((status = 'TO_REVIEW'::text) AND (skipped > 0));
CREATE INDEX predicted_asset_source ON public.predicted_asset USING btree (deployment_id, source, id);
CREATE INDEX predicted_asset_status ON public.predicted_asset USING btree (deployment_id, status, id);
CREATE INDEX predicted_asset_submitted ON public.predicted_asset USING btree (deployment_id, submitted_at, id);
CREATE INDEX predicted_asset_time ON public.predicted_asset USING btree (deployment_id, created_at, id);
CREATE INDEX predicted_asset_uncertain ON public.predicted_asset USING btree (deployment_id, uncertainty, id) WHERE ((status = 'TO_REVIEW'::text) AND (skipped = 0) AND (reserved = 0));
CREATE INDEX predicted_asset_width ON public.predicted_asset USING btree (deployment_id, width, id);
CREATE INDEX prediction_of_model ON public.prediction USING btree (model_version_id);
CREATE INDEX prediction_shape_label ON public.prediction_shape USING btree (label_id, prediction_id);
CREATE INDEX retraining_of ON public.retraining USING btree (deployment_id, created_at);
CREATE INDEX review_lease_of ON public.review_lease USING btree (deployment_id, person_id, id);
CREATE INDEX review_lease_until ON public.review_lease USING btree (deployment_id, until);
CREATE INDEX review_shape_label ON public.review_shape USING btree (label_id, review_id);
CREATE INDEX shape_of_annotation ON public.shape_row USING btree (annotation_id, kind, "position");
CREATE INDEX shape_of_asset ON public.shape_row USING btree (asset_id, kind, label_id, batch);
CREATE INDEX shape_of_label ON public.shape_row USING btree (label_id, asset_id, batch);
CREATE INDEX tagged_target ON public.tagged USING btree (target_id);
CREATE INDEX version_tag_of_tag ON public.version_tag USING btree (tag_id);
CREATE INDEX webhook_of ON public.webhook USING btree (org);
CREATE TRIGGER annotation_back AFTER UPDATE OF batch ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_back();
CREATE TRIGGER annotation_changed AFTER UPDATE OF status, n_shapes, batch ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_changed();
CREATE TRIGGER annotation_gone AFTER DELETE ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_gone();
CREATE TRIGGER annotation_gone_shown AFTER DELETE ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_gone_shown();
CREATE TRIGGER annotation_leaves BEFORE DELETE ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_leaves();
CREATE TRIGGER annotation_leaves_batch BEFORE DELETE ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_leaves_batch();
CREATE TRIGGER annotation_made AFTER INSERT ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_made();
CREATE TRIGGER annotation_made_hidden AFTER INSERT ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_made_hidden();
CREATE TRIGGER annotation_replaced AFTER UPDATE OF batch ON public.annotation_row FOR EACH ROW EXECUTE FUNCTION public.annotation_replaced();
CREATE TRIGGER artifact_gone AFTER DELETE ON public.artifact FOR EACH ROW EXECUTE FUNCTION public.artifact_gone();
CREATE TRIGGER artifact_replaced AFTER UPDATE OF object_name ON public.artifact FOR EACH ROW EXECUTE FUNCTION public.artifact_replaced();
CREATE TRIGGER asset_gone AFTER DELETE ON public.asset FOR EACH ROW EXECUTE FUNCTION public.asset_gone();
CREATE TRIGGER asset_made AFTER INSERT ON public.asset FOR EACH ROW EXECUTE FUNCTION public.asset_made();
CREATE TRIGGER data_gone AFTER DELETE ON public.data FOR EACH ROW EXECUTE FUNCTION public.data_gone();
CREATE TRIGGER dataset_gone AFTER DELETE ON public.dataset FOR EACH ROW EXECUTE FUNCTION public.dataset_gone();
CREATE TRIGGER dataset_version_gone AFTER DELETE ON public.dataset_version FOR EACH ROW EXECUTE FUNCTION public.dataset_version_gone();
CREATE TRIGGER image_look_made AFTER INSERT ON public.image_look FOR EACH ROW EXECUTE FUNCTION public.image_look_made();
CREATE TRIGGER log_gone AFTER DELETE ON public.log FOR EACH ROW EXECUTE FUNCTION public.log_gone();
CREATE TRIGGER log_replaced AFTER UPDATE OF object_name ON public.log FOR EACH ROW EXECUTE FUNCTION public.log_replaced();
CREATE TRIGGER logging_file_gone AFTER DELETE ON public.logging_file FOR EACH ROW EXECUTE FUNCTION public.logging_file_gone();
CREATE TRIGGER logging_file_replaced AFTER UPDATE OF object_name ON public.logging_file FOR EACH ROW EXECUTE FUNCTION public.logging_file_replaced();
CREATE TRIGGER model_file_gone AFTER DELETE ON public.model_file FOR EACH ROW EXECUTE FUNCTION public.model_file_gone();
CREATE TRIGGER model_file_replaced AFTER UPDATE OF object_name ON public.model_file FOR EACH ROW EXECUTE FUNCTION public.model_file_replaced();
CREATE TRIGGER outlier_fit_gone AFTER DELETE ON public.outlier_fit FOR EACH ROW EXECUTE FUNCTION public.outlier_fit_gone();
CREATE TRIGGER predicted_asset_gone AFTER DELETE ON public.predicted_asset FOR EACH ROW EXECUTE FUNCTION public.predicted_asset_gone();
CREATE TRIGGER predicted_asset_made AFTER INSERT ON public.predicted_asset FOR EACH ROW EXECUTE FUNCTION public.predicted_asset_made();
CREATE TRIGGER predicted_asset_moved AFTER UPDATE OF status ON public.predicted_asset FOR EACH ROW EXECUTE FUNCTION public.predicted_asset_moved();
CREATE TRIGGER shape_relabelled AFTER UPDATE OF label_id ON public.shape_row FOR EACH ROW EXECUTE FUNCTION public.shape_relabelled();
CREATE TRIGGER tagged_gone AFTER DELETE ON public.tagged FOR EACH ROW EXECUTE FUNCTION public.tagged_gone();
CREATE TRIGGER tagged_made AFTER INSERT ON public.tagged FOR EACH ROW EXECUTE FUNCTION public.tagged_made();
ALTER TABLE ONLY public.access
    ADD CONSTRAINT access_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.access
    ADD CONSTRAINT access_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.alert_change
    ADD CONSTRAINT alert_change_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alert(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.annotation_row
    ADD CONSTRAINT annotation_row_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES public.asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.person(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.artifact
    ADD CONSTRAINT artifact_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.asset
    ADD CONSTRAINT asset_data_id_fkey FOREIGN KEY (data_id) REFERENCES public.data(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.asset
    ADD CONSTRAINT asset_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.bulk_slice
    ADD CONSTRAINT bulk_slice_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.bulk(job_id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.console_line
    ADD CONSTRAINT console_line_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.ct_dataset
    ADD CONSTRAINT ct_dataset_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.ct_dataset
    ADD CONSTRAINT ct_dataset_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.data
    ADD CONSTRAINT data_data_source_id_fkey FOREIGN KEY (data_source_id) REFERENCES public.data_source(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.data
    ADD CONSTRAINT data_datalake_id_fkey FOREIGN KEY (datalake_id) REFERENCES public.datalake(id) DEFERRABLE;
ALTER TABLE ONLY public.data
    ADD CONSTRAINT data_object_name_fkey FOREIGN KEY (object_name) REFERENCES public.object(name) DEFERRABLE;
ALTER TABLE ONLY public.data
    ADD CONSTRAINT data_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.data_source
    ADD CONSTRAINT data_source_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.datalake
    ADD CONSTRAINT datalake_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.dataset
    ADD CONSTRAINT dataset_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.dataset_version
    ADD CONSTRAINT dataset_version_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES public.dataset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES public.webhook(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_former_model_version_id_fkey FOREIGN KEY (former_model_version_id) REFERENCES public.model_version(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.deployment_label
    ADD CONSTRAINT deployment_label_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) DEFERRABLE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_shadow_model_version_id_fkey FOREIGN KEY (shadow_model_version_id) REFERENCES public.model_version(id) DEFERRABLE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_target_datalake_id_fkey FOREIGN KEY (target_datalake_id) REFERENCES public.datalake(id) DEFERRABLE;
ALTER TABLE ONLY public.drift_check
    ADD CONSTRAINT drift_check_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.drift
    ADD CONSTRAINT drift_id_fkey FOREIGN KEY (id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.drift_reference
    ADD CONSTRAINT drift_reference_data_id_fkey FOREIGN KEY (data_id) REFERENCES public.data(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.drift_reference
    ADD CONSTRAINT drift_reference_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.drift_value
    ADD CONSTRAINT drift_value_check_id_fkey FOREIGN KEY (check_id) REFERENCES public.drift_check(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.embedding_fit
    ADD CONSTRAINT embedding_fit_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.embedding_fit
    ADD CONSTRAINT embedding_fit_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.embedding
    ADD CONSTRAINT embedding_predicted_asset_id_fkey FOREIGN KEY (predicted_asset_id) REFERENCES public.predicted_asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.embedding_raw
    ADD CONSTRAINT embedding_raw_fit_id_fkey FOREIGN KEY (fit_id) REFERENCES public.embedding_fit(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.embedding_raw
    ADD CONSTRAINT embedding_raw_predicted_asset_id_fkey FOREIGN KEY (predicted_asset_id) REFERENCES public.predicted_asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.embedding_training
    ADD CONSTRAINT embedding_training_data_id_fkey FOREIGN KEY (data_id) REFERENCES public.data(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.embedding_training
    ADD CONSTRAINT embedding_training_fit_id_fkey FOREIGN KEY (fit_id) REFERENCES public.embedding_fit(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES public.asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.evaluation_shape
    ADD CONSTRAINT evaluation_shape_evaluation_id_fkey FOREIGN KEY (evaluation_id) REFERENCES public.evaluation(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.evaluation_shape
    ADD CONSTRAINT evaluation_shape_label_id_fkey FOREIGN KEY (label_id) REFERENCES public.label(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_base_experiment_id_fkey FOREIGN KEY (base_experiment_id) REFERENCES public.experiment(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_base_model_version_id_fkey FOREIGN KEY (base_model_version_id) REFERENCES public.model_version(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.experiment_dataset
    ADD CONSTRAINT experiment_dataset_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.experiment_dataset
    ADD CONSTRAINT experiment_dataset_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.experiment_source
    ADD CONSTRAINT experiment_source_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.fl_dataset
    ADD CONSTRAINT fl_dataset_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.fl_dataset
    ADD CONSTRAINT fl_dataset_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.gate
    ADD CONSTRAINT gate_id_fkey FOREIGN KEY (id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.image_look
    ADD CONSTRAINT image_look_data_id_fkey FOREIGN KEY (data_id) REFERENCES public.data(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.label
    ADD CONSTRAINT label_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.label_group
    ADD CONSTRAINT label_group_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.label
    ADD CONSTRAINT label_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.label_group(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.label_group
    ADD CONSTRAINT label_group_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.label_group(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.log
    ADD CONSTRAINT log_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.log_point
    ADD CONSTRAINT log_point_log_id_fkey FOREIGN KEY (log_id) REFERENCES public.log(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.logging_file
    ADD CONSTRAINT logging_file_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.look_todo
    ADD CONSTRAINT look_todo_data_id_fkey FOREIGN KEY (data_id) REFERENCES public.data(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.mail_server
    ADD CONSTRAINT mail_server_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.metadata_key
    ADD CONSTRAINT metadata_key_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.metadata_value
    ADD CONSTRAINT metadata_value_key_id_fkey FOREIGN KEY (key_id) REFERENCES public.metadata_key(id) DEFERRABLE;
ALTER TABLE ONLY public.model_context
    ADD CONSTRAINT model_context_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.model_context
    ADD CONSTRAINT model_context_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.model_file
    ADD CONSTRAINT model_file_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.model_look
    ADD CONSTRAINT model_look_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.model_version
    ADD CONSTRAINT model_version_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.model(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.object
    ADD CONSTRAINT object_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.outlier_fit
    ADD CONSTRAINT outlier_fit_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.outlier
    ADD CONSTRAINT outlier_id_fkey FOREIGN KEY (id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.outlier_todo
    ADD CONSTRAINT outlier_todo_id_fkey FOREIGN KEY (id) REFERENCES public.predicted_asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_home_fkey FOREIGN KEY (home) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.pipeline
    ADD CONSTRAINT pipeline_cd_test_version_id_fkey FOREIGN KEY (cd_test_version_id) REFERENCES public.dataset_version(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.pipeline
    ADD CONSTRAINT pipeline_ct_project_id_fkey FOREIGN KEY (ct_project_id) REFERENCES public.project(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.pipeline
    ADD CONSTRAINT pipeline_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.pipeline
    ADD CONSTRAINT pipeline_td_version_id_fkey FOREIGN KEY (td_version_id) REFERENCES public.dataset_version(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.predicted_asset
    ADD CONSTRAINT predicted_asset_data_id_fkey FOREIGN KEY (data_id) REFERENCES public.data(id) DEFERRABLE;
ALTER TABLE ONLY public.predicted_asset
    ADD CONSTRAINT predicted_asset_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.predicted_asset
    ADD CONSTRAINT predicted_asset_retraining_id_fkey FOREIGN KEY (retraining_id) REFERENCES public.retraining(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.prediction_hour
    ADD CONSTRAINT prediction_hour_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.prediction
    ADD CONSTRAINT prediction_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.prediction
    ADD CONSTRAINT prediction_predicted_asset_id_fkey FOREIGN KEY (predicted_asset_id) REFERENCES public.predicted_asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.prediction_shape
    ADD CONSTRAINT prediction_shape_label_id_fkey FOREIGN KEY (label_id) REFERENCES public.deployment_label(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.prediction_shape
    ADD CONSTRAINT prediction_shape_prediction_id_fkey FOREIGN KEY (prediction_id) REFERENCES public.prediction(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.project_dataset
    ADD CONSTRAINT project_dataset_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.project_dataset
    ADD CONSTRAINT project_dataset_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.project(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.retraining
    ADD CONSTRAINT retraining_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.retraining
    ADD CONSTRAINT retraining_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.retraining
    ADD CONSTRAINT retraining_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) ON DELETE SET NULL DEFERRABLE;
ALTER TABLE ONLY public.review_lease
    ADD CONSTRAINT review_lease_predicted_asset_id_fkey FOREIGN KEY (predicted_asset_id) REFERENCES public.predicted_asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.review
    ADD CONSTRAINT review_predicted_asset_id_fkey FOREIGN KEY (predicted_asset_id) REFERENCES public.predicted_asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.review_shape
    ADD CONSTRAINT review_shape_label_id_fkey FOREIGN KEY (label_id) REFERENCES public.deployment_label(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.review_shape
    ADD CONSTRAINT review_shape_review_id_fkey FOREIGN KEY (review_id) REFERENCES public.review(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.saved_view
    ADD CONSTRAINT saved_view_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.saved_view
    ADD CONSTRAINT saved_view_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.served_minute
    ADD CONSTRAINT served_minute_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.person(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.shadow_todo
    ADD CONSTRAINT shadow_todo_model_version_id_fkey FOREIGN KEY (model_version_id) REFERENCES public.model_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.shadow_todo
    ADD CONSTRAINT shadow_todo_predicted_asset_id_fkey FOREIGN KEY (predicted_asset_id) REFERENCES public.predicted_asset(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.shape_row
    ADD CONSTRAINT shape_row_annotation_id_fkey FOREIGN KEY (annotation_id) REFERENCES public.annotation_row(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.shape_row
    ADD CONSTRAINT shape_row_label_id_fkey FOREIGN KEY (label_id) REFERENCES public.label(id) DEFERRABLE;
ALTER TABLE ONLY public.tag
    ADD CONSTRAINT tag_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;
ALTER TABLE ONLY public.tagged
    ADD CONSTRAINT tagged_tag_id_fkey FOREIGN KEY (tag_id) REFERENCES public.tag(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.version_tag
    ADD CONSTRAINT version_tag_dataset_version_id_fkey FOREIGN KEY (dataset_version_id) REFERENCES public.dataset_version(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.version_tag
    ADD CONSTRAINT version_tag_tag_id_fkey FOREIGN KEY (tag_id) REFERENCES public.tag(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.webhook
    ADD CONSTRAINT webhook_org_fkey FOREIGN KEY (org) REFERENCES public.organization(id) DEFERRABLE;INSERT INTO public.schema_of (fingerprint, version) VALUES ('', 45);
