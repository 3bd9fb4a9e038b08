-- +goose Up

-- One person may have several logins. Where she brings one into another, the
-- one that is brought in is closed: it is suspended, says which one it is part
-- of, and cannot be active as long as it does.
ALTER TABLE users ADD COLUMN merged_into BIGINT REFERENCES users (id) CHECK (merged_into IS NULL OR status <> 'active');
CREATE INDEX users_merged ON users (merged_into) WHERE merged_into IS NOT NULL;

-- One login brought into another: asked for by staff and agreed to on both
-- sides, or done by the person herself.
CREATE TABLE merges (
    id                 {{.ID}},
    keep_id            BIGINT NOT NULL REFERENCES users (id),
    other_id           BIGINT NOT NULL REFERENCES users (id),
    state              TEXT NOT NULL CHECK (state IN ('asked', 'stopped', 'withdrawn', 'expired', 'done', 'undone', 'final')),
    started_by         BIGINT REFERENCES staff (id), -- nobody: the person herself
    reason             TEXT NOT NULL DEFAULT '',
    keep_hash          TEXT {{.Binary}} UNIQUE,    -- of the token that was mailed to the login that stays
    other_hash         TEXT {{.Binary}} UNIQUE,    -- and to the one that is brought in
    keep_credentials   BIGINT NOT NULL DEFAULT 0,  -- what the login's counted when its person agreed; 0: she has not
    other_credentials  BIGINT NOT NULL DEFAULT 0,
    created_at         TIMESTAMP NOT NULL,
    expires_at         TIMESTAMP NOT NULL,         -- until when it can be agreed to
    closed_at          TIMESTAMP,
    done_at            TIMESTAMP,
    undo_until         TIMESTAMP,
    CHECK (keep_id <> other_id)
);
CREATE UNIQUE INDEX merges_keep ON merges (keep_id) WHERE state = 'asked';
CREATE UNIQUE INDEX merges_other ON merges (other_id) WHERE state = 'asked';
CREATE UNIQUE INDEX merges_done ON merges (other_id) WHERE state = 'done';
CREATE INDEX merges_kept ON merges (keep_id) WHERE state = 'done';

-- What it has changed in each account, row by row, until it is final: undoing
-- it goes by this.
CREATE TABLE merge_parts (
    id          {{.ID}},
    merge_id    BIGINT NOT NULL REFERENCES merges (id),
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    kind        TEXT NOT NULL CHECK (kind IN ('stays', 'ended', 'grant', 'invitation')),
    row_id      BIGINT NOT NULL,
    before      TEXT NOT NULL DEFAULT '',
    after       TEXT NOT NULL DEFAULT '',
    UNIQUE (account_id, id)
);
CREATE INDEX merge_parts_merge ON merge_parts (merge_id, account_id, id);

-- Whose history is hers too: every login that has become part of a person's.
CREATE TABLE formers (
    user_id    BIGINT NOT NULL REFERENCES users (id),
    former_id  BIGINT NOT NULL REFERENCES users (id),
    merge_id   BIGINT NOT NULL REFERENCES merges (id),
    PRIMARY KEY (user_id, former_id)
);
CREATE INDEX formers_merge ON formers (merge_id);

-- Which login here a row there was before that one was brought into another.
ALTER TABLE import_rows ADD COLUMN merged_from BIGINT NOT NULL DEFAULT 0;
{{if .Postgres}}{{range $table := list "merge_parts"}}
ALTER TABLE {{$table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{$table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON {{$table}}
    USING (clientele_wide() OR account_id = clientele_account())
    WITH CHECK (clientele_wide() OR account_id = clientele_account());
{{end}}
DROP POLICY wall ON audit_records;
CREATE POLICY wall ON audit_records
    USING (clientele_wide() OR account_id = clientele_account()
        OR (actor_kind = 'user' AND actor_id = clientele_user()) OR subject_id = clientele_user() OR behalf_id = clientele_user()
        OR (actor_kind = 'user' AND actor_id IN (SELECT former_id FROM formers WHERE user_id = clientele_user()))
        OR subject_id IN (SELECT former_id FROM formers WHERE user_id = clientele_user())
        OR behalf_id IN (SELECT former_id FROM formers WHERE user_id = clientele_user()))
    WITH CHECK (clientele_wide() OR account_id IS NULL OR account_id = clientele_account());
{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
