-- +goose Up

-- What is known of an operator who looked as somebody else stays: who, as whom,
-- where and why. The session in which it happened goes in its time, with its
-- network and browser, and the look names none then.
{{if .Postgres}}
ALTER TABLE impersonations ALTER COLUMN staff_session_id DROP NOT NULL;
{{else}}
ALTER TABLE impersonations RENAME TO impersonations_before;
CREATE TABLE impersonations (
    id                {{.ID}},
    staff_id          BIGINT NOT NULL REFERENCES staff (id),
    staff_session_id  BIGINT REFERENCES staff_sessions (id), -- while it runs, it lives and dies with this
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
INSERT INTO impersonations (id, staff_id, staff_session_id, user_id, account_id, token_hash, reason, origin, created_at, expires_at, acting_at, ended_at, ended_why)
    SELECT id, staff_id, staff_session_id, user_id, account_id, token_hash, reason, origin, created_at, expires_at, acting_at, ended_at, ended_why FROM impersonations_before;
DROP TABLE impersonations_before;
CREATE UNIQUE INDEX impersonations_one ON impersonations (staff_session_id) WHERE ended_at IS NULL;
CREATE INDEX impersonations_running ON impersonations (id) WHERE ended_at IS NULL;
{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
