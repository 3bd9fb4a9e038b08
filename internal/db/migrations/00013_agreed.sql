-- +goose Up

-- What each of the two logins was in when its person agreed to bring them
-- together: what it has joined since was not agreed to.
ALTER TABLE merges ADD COLUMN keep_shown TEXT NOT NULL DEFAULT '';
ALTER TABLE merges ADD COLUMN other_shown TEXT NOT NULL DEFAULT '';
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
