-- +goose Up

-- What somebody who signs up has typed into the fields that every account has
-- to fill in, by their numbers, until her address is confirmed.
ALTER TABLE signups ADD COLUMN answers TEXT NOT NULL DEFAULT '{}';
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
