-- +goose Up

-- What operators set for the whole installation: one row. What stands in body
-- is set here; everything else has its default, or is given with the start.
-- The version goes up with every change, and tells nodes that there was one.
CREATE TABLE settings (
    id          {{.ID}},
    version     BIGINT NOT NULL,
    body        TEXT NOT NULL,                 -- JSON: each setting's key and its text
    sealed      TEXT NOT NULL DEFAULT '',      -- the mail server's password
    changed_at  TIMESTAMP,
    CHECK (id = 1)
);
INSERT INTO settings (id, version, body) VALUES (1, 1, '{}');

-- The logo: a picture that was decoded and written anew, under its checksum.
CREATE TABLE logos (
    hash  TEXT PRIMARY KEY,
    body  {{if .Postgres}}BYTEA{{else}}BLOB{{end}} NOT NULL
);

-- The terms that people accept, every version of them.
CREATE TABLE terms (
    version       BIGINT PRIMARY KEY,
    body          TEXT NOT NULL,               -- Markdown; empty where they stand elsewhere
    link          TEXT NOT NULL,               -- where they stand
    published_at  TIMESTAMP NOT NULL
);

-- Which version a person has accepted, and when; each time stands in the log.
ALTER TABLE users ADD COLUMN terms_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN terms_at TIMESTAMP;
ALTER TABLE signups ADD COLUMN terms_version BIGINT NOT NULL DEFAULT 0;

-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
