-- +goose Up

-- Roles of operators beside the built-in ones: a name for a set of what they
-- may do.
CREATE TABLE staff_roles (
    id           {{.ID}},
    name         TEXT NOT NULL UNIQUE,
    permissions  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL
);
ALTER TABLE staff ADD COLUMN role_id BIGINT REFERENCES staff_roles (id); -- one of them; then role is empty
CREATE INDEX staff_role ON staff (role_id);

-- What proves operators: see 00002 for what each is. Theirs stand in tables of
-- their own, so that nobody's number is ever read as somebody else's. An
-- operator without a password was added and has not come yet, or was reset.
ALTER TABLE staff ADD COLUMN credentials BIGINT NOT NULL DEFAULT 1;
ALTER TABLE staff_sessions ADD COLUMN second_at TIMESTAMP;                 -- when a second factor was shown; before that the session opens nothing
ALTER TABLE staff_sessions ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
CREATE INDEX staff_sessions_staff ON staff_sessions (staff_id) WHERE ended_at IS NULL;
ALTER TABLE ceremonies ADD COLUMN staff_id BIGINT REFERENCES staff (id);

CREATE TABLE staff_authenticators (
    id          {{.ID}},
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    name        TEXT NOT NULL,
    sealed      TEXT NOT NULL,
    last_step   BIGINT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP
);
CREATE INDEX staff_authenticators_staff ON staff_authenticators (staff_id);

CREATE TABLE staff_passkeys (
    id          {{.ID}},
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    credential  TEXT {{.Binary}} NOT NULL UNIQUE,
    handle      TEXT {{.Binary}} NOT NULL,
    name        TEXT NOT NULL,
    record      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    cloned_at   TIMESTAMP
);
CREATE INDEX staff_passkeys_staff ON staff_passkeys (staff_id);

CREATE TABLE staff_recovery_codes (
    id          {{.ID}},
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    code_hash   TEXT {{.Binary}} NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    UNIQUE (staff_id, code_hash)
);

-- Links by which operators set their password: the first one, whom nobody has
-- added (staff_id is empty), those who were added, and those who were reset.
CREATE TABLE staff_links (
    id          {{.ID}},
    staff_id    BIGINT REFERENCES staff (id),
    token_hash  TEXT {{.Binary}} NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);
CREATE INDEX staff_links_staff ON staff_links (staff_id);

-- Whoever was signed in with a password alone signs in anew.
DELETE FROM staff_sessions;

-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
