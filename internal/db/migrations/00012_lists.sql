-- +goose Up

-- The lists of accounts of a group, or of a status.
CREATE INDEX accounts_group ON accounts (group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX accounts_status ON accounts (status, id);
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
