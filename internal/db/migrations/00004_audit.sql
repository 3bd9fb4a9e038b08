-- +goose Up

-- The user as whom an operator acted. She reads the record like what she did
-- herself.
ALTER TABLE audit_records ADD COLUMN behalf_id BIGINT;
CREATE INDEX audit_records_behalf ON audit_records (behalf_id, id) WHERE behalf_id IS NOT NULL;

-- Each record carries a hash over itself and over the one before it in its
-- lane. Lanes let transactions write at the same time.
ALTER TABLE audit_records ADD COLUMN lane BIGINT NOT NULL DEFAULT 0; -- 0: from before there was a chain
ALTER TABLE audit_records ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit_records ADD COLUMN previous TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_records ADD COLUMN hash TEXT NOT NULL DEFAULT '';

-- For reading a part of the log.
CREATE INDEX audit_records_event ON audit_records (event, id);
CREATE INDEX audit_records_kind ON audit_records (object_kind, id);
CREATE INDEX audit_records_object ON audit_records (object_id, id);
CREATE INDEX audit_records_at ON audit_records (at, id);
CREATE INDEX audit_records_denied ON audit_records (id) WHERE outcome = 'denied';
CREATE INDEX audit_records_staff ON audit_records (id) WHERE actor_kind = 'staff';

-- Where each lane ends. Whoever writes records locks the row of her lane.
CREATE TABLE audit_heads (
    lane     BIGINT NOT NULL PRIMARY KEY,
    seq      BIGINT NOT NULL DEFAULT 0,
    hash     TEXT NOT NULL DEFAULT '',
    through  BIGINT NOT NULL DEFAULT 0         -- of lane 0: the last record that is still to be put into it; 0 once all are
);
INSERT INTO audit_heads (lane) VALUES (1), (2), (3), (4), (5), (6), (7), (8);

-- The pairs of keys that checkpoints are signed with.
CREATE TABLE audit_keys (
    id          {{.ID}},
    public      TEXT NOT NULL,
    sealed      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL
);

-- Where all lanes ended at one time, signed.
CREATE TABLE audit_checkpoints (
    id         BIGINT NOT NULL PRIMARY KEY,    -- counts without gaps
    at         TIMESTAMP NOT NULL,
    heads      TEXT NOT NULL,
    previous   TEXT NOT NULL,                  -- the hash of the checkpoint before
    hash       TEXT NOT NULL,
    public     TEXT NOT NULL,
    signature  TEXT NOT NULL
);
{{if .Postgres}}
SELECT set_config('clientele.wide', 'on', true);
INSERT INTO audit_heads (lane, through) SELECT 0, COALESCE(MAX(id), 0) FROM audit_records;
SELECT set_config('clientele.wide', '', true);

DROP POLICY wall ON audit_records;
CREATE POLICY wall ON audit_records
    USING (clientele_wide() OR account_id = clientele_account()
        OR (actor_kind = 'user' AND actor_id = clientele_user()) OR subject_id = clientele_user() OR behalf_id = clientele_user())
    WITH CHECK (clientele_wide() OR account_id IS NULL OR account_id = clientele_account());

-- A record from before there was a chain is put into it once; nothing else of
-- any record ever changes.
DROP TRIGGER audit_append_only ON audit_records;
CREATE TRIGGER audit_append_only BEFORE DELETE OR TRUNCATE OR UPDATE OF
        id, at, event, outcome, actor_kind, actor_id, via, via_id, behalf_id, account_id, object_kind, object_id, subject_id, before, after, request, network
    ON audit_records FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
-- +goose StatementBegin
CREATE FUNCTION clientele_chain_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.hash <> '' OR NEW.lane <> 0 OR OLD.id > (SELECT through FROM audit_heads WHERE lane = 0)
        OR to_jsonb(NEW) - '{lane,seq,previous,hash}'::text[] <> to_jsonb(OLD) - '{lane,seq,previous,hash}'::text[] THEN
        RAISE EXCEPTION 'the audit log is append-only';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_chain_once BEFORE UPDATE ON audit_records FOR EACH ROW EXECUTE FUNCTION clientele_chain_once();

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_append_only BEFORE DELETE OR TRUNCATE OR UPDATE OF id, public, created_at ON audit_keys
    FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_append_only BEFORE INSERT OR DELETE OR TRUNCATE OR UPDATE OF lane ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_only_on BEFORE UPDATE ON audit_heads FOR EACH ROW WHEN (NEW.seq < OLD.seq)
    EXECUTE FUNCTION clientele_append_only();
{{else}}
INSERT INTO audit_heads (lane, through) SELECT 0, COALESCE(MAX(id), 0) FROM audit_records;

-- A record from before there was a chain is put into it once; nothing else of
-- any record ever changes.
DROP TRIGGER audit_no_update;
-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_records
WHEN OLD.hash <> '' OR NEW.lane <> 0 OR OLD.id > (SELECT through FROM audit_heads WHERE lane = 0)
    OR (OLD.id, OLD.at, OLD.event, OLD.outcome, OLD.actor_kind, OLD.actor_id, OLD.via, OLD.via_id, OLD.behalf_id, OLD.account_id,
        OLD.object_kind, OLD.object_id, OLD.subject_id, OLD.before, OLD.after, OLD.request, OLD.network)
    IS NOT (NEW.id, NEW.at, NEW.event, NEW.outcome, NEW.actor_kind, NEW.actor_id, NEW.via, NEW.via_id, NEW.behalf_id, NEW.account_id,
        NEW.object_kind, NEW.object_id, NEW.subject_id, NEW.before, NEW.after, NEW.request, NEW.network)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
{{range $table := list "audit_checkpoints" "audit_keys" "audit_heads"}}
-- +goose StatementBegin
CREATE TRIGGER {{$table}}_no_delete BEFORE DELETE ON {{$table}}
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
{{end}}
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_replace BEFORE INSERT ON audit_checkpoints WHEN EXISTS (SELECT 1 FROM audit_checkpoints WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_keys_no_update BEFORE UPDATE OF id, public, created_at ON audit_keys
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_keys_no_replace BEFORE INSERT ON audit_keys WHEN EXISTS (SELECT 1 FROM audit_keys WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_heads_no_insert BEFORE INSERT ON audit_heads
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_heads_only_on BEFORE UPDATE ON audit_heads WHEN NEW.seq < OLD.seq OR NEW.lane <> OLD.lane
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
