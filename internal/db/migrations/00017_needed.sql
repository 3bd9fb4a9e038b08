-- +goose Up

-- Of a login: all that its person had to be told when it was last looked at.
-- needs is what is left of that, so that a later run tells what has come since
-- and not again what she was told. Empty is not known.
ALTER TABLE import_rows ADD COLUMN needed TEXT;
UPDATE import_rows SET needed = '' WHERE needs = '' AND told_at IS NULL AND (kind LIKE '%.login' OR kind = 'user');
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
