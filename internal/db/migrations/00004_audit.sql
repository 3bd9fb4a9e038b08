-- +goose Up

-- The user as whom an operator acted. She reads the record like what she did
-- herself.
ALTER TABLE audit_records ADD COLUMN behalf_id BIGINT;
CREATE INDEX audit_records_behalf ON audit_records (behalf_id, id) WHERE behalf_id IS NOT NULL;
{{if .Postgres}}
DROP POLICY wall ON audit_records;
CREATE POLICY wall ON audit_records
    USING (clientele_wide() OR account_id = clientele_account()
        OR (actor_kind = 'user' AND actor_id = clientele_user()) OR subject_id = clientele_user() OR behalf_id = clientele_user())
    WITH CHECK (clientele_wide() OR account_id IS NULL OR account_id = clientele_account());
{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
