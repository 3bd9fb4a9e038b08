-- +goose Up

-- An operator who looks at one account as one of its people, or acts there.
CREATE TABLE impersonations (
    id                {{.ID}},
    staff_id          BIGINT NOT NULL REFERENCES staff (id),
    staff_session_id  BIGINT NOT NULL REFERENCES staff_sessions (id), -- it lives and dies with this
    user_id           BIGINT NOT NULL REFERENCES users (id),
    account_id        BIGINT NOT NULL REFERENCES accounts (id),
    token_hash        TEXT {{.Binary}} NOT NULL UNIQUE,
    reason            TEXT NOT NULL,
    origin            TEXT NOT NULL,             -- the page of the staff area that it leads back to
    created_at        TIMESTAMP NOT NULL,
    expires_at        TIMESTAMP NOT NULL,
    acting_at         TIMESTAMP,                 -- from when on it may change something
    ended_at          TIMESTAMP,
    ended_why         TEXT NOT NULL DEFAULT '' CHECK (ended_why IN ('', 'ended', 'expired', 'session', 'staff', 'role', 'user', 'refused', 'access')),
    UNIQUE (account_id, id)
);
CREATE UNIQUE INDEX impersonations_one ON impersonations (staff_session_id) WHERE ended_at IS NULL;
CREATE INDEX impersonations_running ON impersonations (id) WHERE ended_at IS NULL;

-- Whether operators may look at the account as one of its people.
ALTER TABLE accounts ADD COLUMN staff_may_look BOOLEAN NOT NULL DEFAULT TRUE;
{{if .Postgres}}
ALTER TABLE impersonations ENABLE ROW LEVEL SECURITY;
ALTER TABLE impersonations FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON impersonations
    USING (clientele_wide() OR account_id = clientele_account())
    WITH CHECK (clientele_wide() OR account_id = clientele_account());
{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
