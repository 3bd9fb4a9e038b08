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

-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
